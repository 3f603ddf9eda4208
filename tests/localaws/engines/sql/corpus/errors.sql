nosuch ;; nosuch(1) ;; 'a' = 1 ;; 1 + 'a' ;; upper(1) ;; length(1) ;; 1 AND true ;; NOT 1 ;; abs('a') ;; 1 || 2 ;; 'a' > 1 ;; CASE WHEN 1 THEN 2 END ;; CASE WHEN true THEN 1 ELSE 'a' END ;; coalesce(1, 'a') ;; nullif(1, 'a') ;; 1 IN ('a') ;; 1 BETWEEN 'a' AND 'b' ;; 'a' LIKE 1 ;; substr('a') ;; date_trunc('month', '2020-01-01') ;; count() ;; DATE '2020-01-01' + DATE '2020-01-01' ;; - 'a' ;; ARRAY[1][ 'a' ] ;; if(1, 2, 3) ;; true + 1 ;; CAST(ARRAY[1] AS integer) ;; transform(1, x -> x) ;; year(1) ;; date_add('day', 1.5, DATE '2020-01-01') ;; round('a') ;; split('a', 1)
SELECT x FROM t
SELECT t.x FROM t
SELECT x.id FROM t
SELECT id FROM nosuch
SELECT id FROM nodb.t
SELECT * FROM nocatalog.a.t
SELECT id, count(*) FROM t
SELECT id, count(*) FROM t GROUP BY i
SELECT i + id FROM t GROUP BY i
SELECT * FROM t GROUP BY id
SELECT sum(sum(i)) FROM t
SELECT id FROM t WHERE sum(i) > 1
SELECT id FROM t WHERE i
SELECT id FROM t GROUP BY sum(i)
SELECT id FROM t GROUP BY 5
SELECT id FROM t ORDER BY 2
SELECT id FROM t ORDER BY nosuch
SELECT DISTINCT id FROM t ORDER BY i
SELECT id AS x FROM t WHERE x > 1
SELECT id AS x, count(*) FROM t GROUP BY x
SELECT id FROM t JOIN u ON t.id = u.id
SELECT a.id FROM t
SELECT * FROM t JOIN u USING (nosuch)
SELECT row_number() FROM t
SELECT row_number() OVER (ORDER BY id) FROM t WHERE row_number() OVER (ORDER BY id) = 1
SELECT FROM t
SELECT id FROM
SELECT id, FROM t
SELECT (1
SELECT 1 +
SELECT id FROM t WHERE
SELECT id FROM t GROUP
SELECT 'abc
SELECT `id` FROM t
SELECT 1 == 1
SELECT id FROM t LIMIT x
SELECT 1::integer
SELECT * 
SELECT nosuch.* FROM t
SELECT CAST(1 AS foo)
SELECT id FROM t HAVING id > 1
SELECT m FROM t ORDER BY m
SELECT 1 FROM t a JOIN t b
SELECT x FROM (VALUES (1, 2)) v(x)
SELECT max(m) FROM t
SELECT sum(s) FROM t
SELECT avg(dt) FROM t
SELECT id FROM t UNION SELECT s FROM t
SELECT id FROM t WHERE id = (SELECT id, i FROM t)
SELECT id FROM t WHERE id IN (SELECT id, i FROM t)
SELECT lag(id) FROM t
SELECT id FROM t, t
SELECT t.id FROM t, t
SELECT i FROM t WHERE 1 / i > 0
SELECT arr[5] FROM t
SELECT m['nokey'] FROM t
SELECT CAST(s AS integer) FROM t
SELECT i + 1 FROM t
SELECT r.nosuch FROM t
SELECT id.x FROM t
SELECT TINYINT '300'
SELECT INTEGER 'a'
SELECT 99999999999999999999
SELECT id FROM t FETCH FIRST 0 ROWS ONLY
