1.0 / 3 ;; 10 / 3.0 ;; 1.5 + 2.25 ;; 1.5 - 2.25 ;; 1.5 * 2.25 ;; 2.0 / 3.00 ;; -2.0 / 3 ;; 5.5 % 2 ;; -5.5 % 2.1 ;; 1.5 / 0 ;; 1.5 % 0 ;; 1 / 3.000 ;; 100000000000000000000.5 + 1 ;; 12345678901234567890.12 * 2 ;; 99999999999999999999999999999999999999 + 1 ;; DECIMAL '1.50' ;; DECIMAL '-0.05' ;; .5 ;; 5. ;; 000.10 ;; 0.30 + 0.1 ;; 0.1 + 0.2 = 0.3 ;; 1.10 = 1.1 ;; -1.5 ;; 1.5 = 1.5e0 ;; 1.5 > 1 ;; 12345678901234567890 
CAST(1.555 AS decimal(5,2)) ;; CAST(-1.555 AS decimal(5,2)) ;; CAST(1000 AS decimal(3,0)) ;; CAST(99.99 AS decimal(3,1)) ;; CAST('1.555' AS decimal(5,2)) ;; CAST('abc' AS decimal(5,2)) ;; CAST(1.115e0 AS decimal(5,2)) ;; CAST(1e10 AS decimal(5,2)) ;; CAST(2.5 AS integer) ;; CAST(-2.5 AS integer) ;; CAST(3000000000.5 AS integer) ;; CAST(1.5 AS double) ;; CAST(1.5 AS varchar) ;; CAST(0.50 AS varchar) ;; CAST(true AS decimal(3,1)) ;; CAST(0.1 AS real) ;; CAST(1.50 AS boolean) ;; CAST(12345678901234567890.123 AS double) ;; CAST(5 AS decimal(10,2)) ;; CAST(5 AS decimal) ;; CAST('' AS decimal(5,2)) ;; CAST('1e2' AS decimal(5,1)) ;; CAST('1.' AS decimal(5,1)) ;; CAST(' 1' AS decimal(5,1)) ;; CAST(nan() AS decimal(5,1)) ;; TRY_CAST('x' AS decimal(5,2)) ;; TRY_CAST(1000 AS decimal(3,0)) ;; TRY_CAST('12345.678' AS decimal(5,2)) ;; CAST(1 AS decimal(39,0)) ;; CAST(1e-5 AS decimal(10,5)) ;; CAST(123456789.987654321e0 AS decimal(20,8))
CAST(10.25 AS decimal(38,2)) / CAST(3 AS decimal(38,2)) ;; CAST(10 AS decimal(38,0)) * 2 ;; CAST(10.5 AS decimal(20,10)) / CAST(3 AS decimal(20,10)) ;; CAST(10.5 AS decimal(20,10)) * CAST(3 AS decimal(20,10)) ;; CAST(1 AS decimal(38,38)) ;; CAST(0.5 AS decimal(38,37)) * 2 ;; 1.123456789012345678901 + 1 ;; 2 / 3.0 + 1.55 ;; (1.0 / 3) * 3 ;; round(1.0 / 3, 2) ;; 7 / 2.0 / 2 ;; -0.5 ;; round(-0.5) ;; round(0.05, 1) ;; round(-1.25, 1) ;; truncate(-0.9)
SELECT sum(dec), avg(dec), min(dec), max(dec), count(dec) FROM t
SELECT sum(dec) / count(*) FROM t
SELECT sum(dec) * 1.5, avg(dec * 3), sum(dec / 3) FROM t
SELECT i, sum(dec), avg(dec) FROM t GROUP BY i
SELECT avg(x) FROM (VALUES 1.005, 1.006, 1.00) v(x)
SELECT avg(x), sum(x) FROM (VALUES CAST(0.1 AS decimal(38,2)), 0.2) v(x)
SELECT sum(x) FROM (VALUES 99999999999999999999999999999999999999, 1) v(x)
SELECT avg(x) FROM (VALUES -1.5, -2.0, -2.0) v(x)
SELECT sum(dec) / sum(i) FROM t
SELECT round(sum(dec) / 3, 2), CAST(sum(dec) AS decimal(18,1)) FROM t WHERE dec < 1000
