SELECT * FROM t
SELECT * FROM u
SELECT t.*, 1 AS one FROM t ORDER BY id
SELECT count(*) FROM t
SELECT count(*), count(i), count(DISTINCT i), sum(i), avg(i), min(i), max(i) FROM t
SELECT sum(b) FROM t
SELECT sum(b) FROM t WHERE id > 2
SELECT sum(d), avg(d), min(d), max(d) FROM t
SELECT min(s), max(s), min(dt), max(ts), bool_and(bo), bool_or(bo), every(bo), count_if(bo) FROM t
SELECT sum(i), count(*), avg(i), min(s), array_agg(i) FROM t WHERE id > 100
SELECT array_agg(id ORDER BY id DESC), array_agg(s ORDER BY s), array_agg(i ORDER BY i DESC NULLS FIRST, id) FROM t
SELECT array_agg(DISTINCT i ORDER BY i) FROM t
SELECT array_agg(id ORDER BY id) FILTER (WHERE i > 5) FROM t
SELECT sum(i) FILTER (WHERE bo), count(*) FILTER (WHERE i IS NULL), sum(DISTINCT i) FROM t WHERE id <> 6
SELECT max_by(s, i), min_by(s, i), max_by(id, dt) FROM t WHERE id <> 7
SELECT max_by(i, id), min_by(s, id) FROM t WHERE id IN (3, 4)
SELECT approx_distinct(i), approx_distinct(s) FROM t
SELECT stddev(i), stddev_pop(id), variance(id), var_pop(id), stddev_samp(d) FROM t WHERE id <> 6
SELECT corr(id, i), covar_pop(id, i), covar_samp(id, i), regr_slope(id, i), regr_intercept(id, i) FROM t WHERE id <> 6
SELECT stddev(x), variance(x), var_pop(x), corr(x, x) FROM (VALUES 1) v(x)
SELECT listagg(s, ',') WITHIN GROUP (ORDER BY id) FROM t
SELECT arbitrary(x), any_value(x) FROM (VALUES 5, 5) v(x)
SELECT max(x), min(x), sum(x), avg(x) FROM (VALUES nan(), 1e0, 2e0) v(x)
SELECT max(x), min(x) FROM (VALUES nan()) v(x)
SELECT map_agg(id, s) FROM t WHERE id < 4
SELECT histogram(i) FROM t
SELECT bitwise_and_agg(id), bitwise_or_agg(id) FROM t
SELECT approx_percentile(id, 0.5) FROM t
SELECT checksum(id) FROM t
SELECT geometric_mean(id) FROM t
SELECT count(DISTINCT s), count(DISTINCT dt), count(DISTINCT d) FROM t
SELECT sum(x) FROM (VALUES REAL '1.5', REAL '2.25') v(x)
SELECT avg(x), typeof(avg(x)), typeof(sum(x)) FROM (VALUES REAL '1.5', REAL '2.25') v(x) GROUP BY typeof(x)
SELECT sum(x) FROM (VALUES INTERVAL '1' DAY, INTERVAL '2' HOUR) v(x)
SELECT i, count(*) FROM t GROUP BY i
SELECT i, count(*) AS n FROM t GROUP BY 1 ORDER BY n DESC, 1
SELECT i, s, count(*) FROM t GROUP BY i, s ORDER BY 1, 2
SELECT i % 3, sum(id) FROM t GROUP BY i % 3
SELECT i % 3 + 1, sum(id) + count(*) FROM t GROUP BY i % 3
SELECT upper(s) AS k, max(id) FROM t GROUP BY upper(s) HAVING max(id) > 2 ORDER BY k
SELECT s FROM t GROUP BY s HAVING count(*) > 1
SELECT sum(i) FROM t GROUP BY s ORDER BY sum(id)
SELECT count(*) FROM t HAVING count(*) > 100
SELECT count(*) FROM t HAVING count(*) > 1
SELECT 1 FROM t HAVING true
SELECT 'x', count(*) FROM t GROUP BY ()
SELECT bo, i, count(*), grouping(bo, i) FROM t GROUP BY GROUPING SETS ((bo), (i), ())
SELECT bo, i, count(*) FROM t GROUP BY ROLLUP (bo, i)
SELECT bo, i, count(*) FROM t GROUP BY CUBE (bo, i)
SELECT bo, i, grouping(i) FROM t GROUP BY bo, ROLLUP (i)
SELECT year(dt), month(dt), count(*) FROM t GROUP BY 1, 2 ORDER BY 1, 2
SELECT CASE WHEN i > 5 THEN 'big' ELSE 'small' END AS c, count(*) FROM t GROUP BY CASE WHEN i > 5 THEN 'big' ELSE 'small' END
SELECT d, count(*) FROM (VALUES nan(), nan(), 0e0, -0e0) v(d) GROUP BY d
SELECT DISTINCT i FROM t
SELECT DISTINCT i, s FROM t ORDER BY s, i
SELECT DISTINCT i + 1 FROM t ORDER BY i + 1
SELECT id FROM t ORDER BY s, id
SELECT id FROM t ORDER BY s DESC, id DESC
SELECT id, i FROM t ORDER BY i NULLS FIRST, id
SELECT id, i FROM t ORDER BY i DESC NULLS LAST, id
SELECT id, -i AS i FROM t ORDER BY i, id
SELECT id FROM t ORDER BY d, id LIMIT 3
SELECT id FROM t ORDER BY id OFFSET 2 LIMIT 2
SELECT id FROM t ORDER BY id OFFSET 2 ROWS FETCH FIRST 2 ROWS ONLY
SELECT id FROM t ORDER BY id FETCH FIRST ROW ONLY
SELECT i FROM t ORDER BY i FETCH FIRST 1 ROW WITH TIES
SELECT id FROM t ORDER BY id LIMIT ALL
SELECT id FROM t ORDER BY 5
SELECT id FROM t LIMIT 0
SELECT id AS x FROM t ORDER BY x + 1
SELECT id AS x FROM t ORDER BY id + 1
SELECT x FROM (VALUES nan(), 1e0, NULL, infinity()) v(x) ORDER BY x
SELECT x FROM (VALUES nan(), 1e0, NULL, infinity()) v(x) ORDER BY x DESC
SELECT x FROM (VALUES 'b', 'A', 'a', 'é', '') v(x) ORDER BY x
SELECT 1 UNION SELECT 1
SELECT 1 UNION ALL SELECT 1
SELECT 1 UNION SELECT 1.5
SELECT 'a' UNION ALL SELECT 'bcd'
SELECT NULL UNION ALL SELECT 1
SELECT 1 UNION SELECT 'a'
SELECT 1, 2 UNION SELECT 1
SELECT i FROM t INTERSECT SELECT 10
SELECT i FROM t EXCEPT SELECT 10
SELECT i FROM t INTERSECT ALL SELECT i FROM t WHERE id = 1
SELECT i FROM t EXCEPT ALL SELECT 10
SELECT id AS a FROM t UNION ALL SELECT v FROM u ORDER BY a DESC LIMIT 3
(SELECT id FROM t ORDER BY id LIMIT 1) UNION ALL (SELECT id FROM u ORDER BY id DESC LIMIT 1)
SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2
SELECT DATE '2020-01-01' UNION SELECT TIMESTAMP '2020-01-01 00:00:00'
VALUES 1, 2
VALUES (1, 'a'), (2, NULL)
VALUES (1, 2), (3)
VALUES 1, 'a'
TABLE u
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y) WHERE x > 1
SELECT v.x FROM (VALUES 1, 2.5) AS v(x)
SELECT t.id, u.v FROM t JOIN u ON t.s = u.k
SELECT t.id, u.id, u.v FROM t LEFT JOIN u ON t.s = u.k
SELECT t.id, u.id FROM t RIGHT JOIN u ON t.s = u.k
SELECT t.id, u.id FROM t FULL JOIN u ON t.id = u.id
SELECT t.id, u.id FROM t CROSS JOIN u WHERE t.id = u.id
SELECT t.id, u.id FROM t, u WHERE t.id < u.id AND t.id > 5
SELECT id, s, v FROM t JOIN u USING (id)
SELECT * FROM (VALUES (1, 'a')) x(k, p) FULL JOIN (VALUES (2, 'b')) y(k, q) USING (k)
SELECT * FROM (VALUES (1, 'a')) x(k, p) LEFT JOIN (VALUES (2, 'b')) y(k, q) USING (k)
SELECT a.id, b.id, c.id FROM u a JOIN u b ON a.k = b.k LEFT JOIN u c ON c.id = b.id + 1
SELECT a.id FROM t a JOIN u b ON a.dt > b.day AND b.v IS NOT NULL
SELECT t.id FROM t JOIN u ON t.i = u.v OR t.id = u.id
SELECT t.id, x.id FROM t LEFT JOIN (SELECT id FROM u WHERE v > 100) x ON t.id = x.id
SELECT u.id, w.n FROM u JOIN (SELECT k, count(*) AS n FROM u GROUP BY k) w ON u.k = w.k
SELECT * FROM t NATURAL JOIN u
SELECT (SELECT max(v) FROM u)
SELECT id, (SELECT max(v) FROM u WHERE u.k = t.s) FROM t
SELECT id FROM t WHERE i > (SELECT avg(i) FROM t)
SELECT id FROM t WHERE s IN (SELECT k FROM u)
SELECT id FROM t WHERE s NOT IN (SELECT k FROM u)
SELECT id FROM t WHERE s NOT IN (SELECT k FROM u WHERE k IS NOT NULL)
SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.s)
SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.s)
SELECT id, s IN (SELECT k FROM u) FROM t
SELECT id FROM t WHERE id > ALL (SELECT id FROM u WHERE id < 4)
SELECT id FROM t WHERE id = ANY (SELECT id FROM u)
SELECT (SELECT id FROM u)
SELECT (SELECT id FROM u WHERE id = 99)
SELECT (SELECT id, v FROM u)
SELECT id, (SELECT count(*) FROM u WHERE u.id < t.id) AS n FROM t
SELECT count(*) FROM (SELECT DISTINCT s FROM t) x
SELECT * FROM (SELECT id, i FROM t WHERE i > 5) AS x(a, b) WHERE b < 100
WITH a AS (SELECT id, s FROM t), b(k, n) AS (SELECT s, count(*) FROM a GROUP BY s) SELECT * FROM b
WITH a AS (SELECT 1 AS x) SELECT a.x, b.x FROM a, a AS b
WITH a AS (SELECT 1 AS x), a2 AS (SELECT x + 1 AS x FROM a) SELECT * FROM a2 UNION ALL SELECT * FROM a
WITH t AS (SELECT 5 AS id) SELECT * FROM t
WITH RECURSIVE r(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r
SELECT id, x FROM t CROSS JOIN UNNEST(arr) AS a(x)
SELECT id, x, n FROM t CROSS JOIN UNNEST(arr) WITH ORDINALITY AS a(x, n)
SELECT id, x FROM t LEFT JOIN UNNEST(arr) AS a(x) ON true
SELECT id, x, n FROM t LEFT JOIN UNNEST(arr) WITH ORDINALITY AS a(x, n) ON true
SELECT id, k, v FROM t CROSS JOIN UNNEST(m) AS a(k, v)
SELECT x, y FROM UNNEST(ARRAY[1, 2], ARRAY['a']) AS a(x, y)
SELECT * FROM UNNEST(ARRAY[1, 2])
SELECT * FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b'), NULL]) AS a(x, y)
SELECT * FROM UNNEST(MAP(ARRAY[1], ARRAY['x']), ARRAY[5, 6]) WITH ORDINALITY AS a(k, v, z, n)
SELECT id, w FROM t CROSS JOIN UNNEST(split(s, ',')) AS a(w)
SELECT id, sum(x) FROM t CROSS JOIN UNNEST(arr) AS a(x) GROUP BY id
SELECT * FROM UNNEST(sequence(DATE '2020-01-01', DATE '2020-01-03')) AS a(d)
SELECT t.id, l.y FROM t CROSS JOIN LATERAL (SELECT t.i + 1 AS y) l
SELECT * FROM UNNEST(5)
SELECT id, row_number() OVER (ORDER BY id DESC) FROM t
SELECT id, rank() OVER (ORDER BY i), dense_rank() OVER (ORDER BY i), percent_rank() OVER (ORDER BY i), cume_dist() OVER (ORDER BY i) FROM t
SELECT id, ntile(3) OVER (ORDER BY id) FROM t
SELECT id, lag(id) OVER (ORDER BY id), lead(id, 2) OVER (ORDER BY id), lag(id, 1, 0) OVER (ORDER BY id) FROM t
SELECT id, lag(i) IGNORE NULLS OVER (ORDER BY id), first_value(i) IGNORE NULLS OVER (ORDER BY id) FROM t
SELECT id, first_value(id) OVER (PARTITION BY s ORDER BY id), last_value(id) OVER (PARTITION BY s ORDER BY id) FROM t
SELECT id, last_value(id) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nth_value(id, 2) OVER (ORDER BY id) FROM t
SELECT id, sum(id) OVER (ORDER BY id), sum(id) OVER (), count(*) OVER (PARTITION BY i) FROM t
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), avg(id) OVER (ORDER BY id ROWS 2 PRECEDING) FROM t
SELECT id, sum(id) OVER (ORDER BY i), sum(dec) OVER (ORDER BY id), avg(dec) OVER (ORDER BY id) FROM t
SELECT id, max(i) OVER (PARTITION BY bo ORDER BY id), min(d) OVER (ORDER BY id) FROM t
SELECT id, sum(id) OVER w, count(*) OVER w FROM t WINDOW w AS (PARTITION BY s ORDER BY id)
SELECT s, sum(i), sum(sum(id)) OVER (ORDER BY s), rank() OVER (ORDER BY count(*) DESC, s) FROM t WHERE id <> 6 GROUP BY s
SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY s ORDER BY id) AS rn FROM t) WHERE rn = 1
SELECT id, sum(id) OVER (ORDER BY i RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t
SELECT id, sum(id) OVER (ORDER BY i GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t
SELECT id, sum(id) OVER (ORDER BY i RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) FROM t
SELECT id, count(*) FILTER (WHERE i > 5) OVER (ORDER BY id) FROM t
SELECT id, array_agg(id) OVER (ORDER BY id) FROM t
SELECT id, max_by(s, i) OVER (ORDER BY id) FROM t WHERE id <> 7
SELECT id FROM t ORDER BY row_number() OVER (ORDER BY id DESC)
SELECT coalesce(i, 0), nullif(i, 10), if(i > 5, 'y'), if(i > 5, 'y', 'n') FROM t
SELECT CASE WHEN i > 5 THEN 1 WHEN i > 0 THEN 2.5 END FROM t
SELECT CASE i WHEN 10 THEN 'ten' WHEN NULL THEN 'null' ELSE 'other' END FROM t
SELECT coalesce(i, d) FROM t
SELECT coalesce(NULL, NULL)
SELECT nullif(1, 1.0)
SELECT id AS "My Col", i "Ü" FROM t ORDER BY "my col"
SELECT ID, T.Id FROM T ORDER BY 1
SELECT "ID" FROM "T"
SELECT id, id + 1, count(*) OVER () AS n, i FROM t
SELECT 1 AS a, 2 AS a
SELECT x.a FROM (SELECT 1 AS a, 2 AS a) x
SELECT memory.default.t.id, default.t.i FROM memory.default.t
SELECT id FROM t TABLESAMPLE BERNOULLI (100)
SELECT 1 WHERE false
SELECT 1 AS x -- a comment
SELECT /* c */ 1
SELECT count(*) FROM t WHERE s LIKE '%a%' AND (i > 3 OR i IS NULL) AND NOT (bo AND id = 1)
SELECT s || '-' || CAST(count(*) AS varchar) FROM t GROUP BY s
SELECT max(dt) - min(dt), max(ts) - min(ts) FROM t
SELECT sum(CASE WHEN bo THEN i ELSE 0 END), sum(if(bo, 1, 0)) FROM t WHERE id <> 6
SELECT avg(CAST(i AS double)), sum(CAST(i AS bigint)) * 1.0 / count(*), round(avg(i), 2) FROM t
SELECT round(100.0 * count_if(bo) / count(*), 2) FROM t
SELECT CAST(count_if(bo) AS double) / count(*) FROM t
SELECT date_trunc('month', dt) AS mth, sum(dec) FROM t GROUP BY 1 ORDER BY 1
SELECT k, sum(v) AS total, rank() OVER (ORDER BY sum(v) DESC) AS rk FROM u GROUP BY k ORDER BY rk, k
SELECT id, d / sum(d) OVER () FROM t WHERE id <> 4
SELECT t1.id FROM t t1 WHERE t1.i = (SELECT max(t2.i) FROM t t2 WHERE t2.s = t1.s)
SELECT u.k, count(DISTINCT u.v), count(t.id) FROM u LEFT JOIN t ON t.s = u.k GROUP BY u.k
SELECT id FROM t WHERE (id, i) IN (SELECT 1, 10)
SELECT id FROM t WHERE (id, i) = (1, 10)
SELECT r.* FROM t
SELECT id, r.a, t.r.b FROM t WHERE r.a > 1
SELECT random() < 1
SELECT sum(i) FROM t
SELECT sum(i), sum(i * 1.0), sum(CAST(i AS smallint)) FROM t WHERE id < 4
SELECT current_date = current_date, now() = now()
SELECT a.id FROM (t a JOIN u b ON a.id = b.id)
SELECT a.id, c.id FROM t a LEFT JOIN (u b JOIN u c ON b.id = c.id) ON a.id = b.id
SELECT x FROM (SELECT id x FROM t ORDER BY id DESC LIMIT 2) ORDER BY x
SELECT sum(x) FROM (SELECT id x FROM t UNION ALL SELECT id FROM u)
SELECT i, count(*) FROM t GROUP BY i HAVING sum(id) > 3 AND i IS NOT NULL ORDER BY count(*), i
SELECT exists(SELECT 1 FROM u WHERE false)
SELECT count(*) FROM t WHERE dt >= DATE '2020-01-01' AND dt < DATE '2020-02-01'
SELECT count(*) FROM t WHERE dt = '2020-01-31'
SELECT element_at(array_agg(s ORDER BY id), 1) FROM t
SELECT array_join(array_agg(CAST(id AS varchar) ORDER BY id), '|') FROM t
SELECT cardinality(array_agg(DISTINCT s)) FROM t
SELECT transform(array_agg(id ORDER BY id), x -> x * 2) FROM t
SELECT (SELECT 1) + 1, -(SELECT 2)
SELECT ALL id FROM t WHERE id = 1
SELECT id FROM t WHERE id IN (1, 2.0, 3)
SELECT id FROM t WHERE s = ''
SELECT id FROM t WHERE d = 1.5
SELECT id FROM t WHERE dec * 2 = 20.5
SELECT '' || '' AS e, length(' ') FROM u WHERE id = 1
