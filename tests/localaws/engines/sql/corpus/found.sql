-- what random queries against real Trino once found wrong
SELECT i % 3, count_if(i > 3) FROM t GROUP BY i % 3
SELECT count_if(x), count(*) FROM (VALUES CAST(NULL AS boolean)) v(x)
SELECT any_match(ARRAY[1, 2], x -> x > r.a), count(*) FROM t GROUP BY any_match(ARRAY[1, 2], x -> x > r.a)
SELECT cardinality(transform(sequence(1, id), x -> x * 2)), count(*) FROM t GROUP BY 1
SELECT id FROM t ORDER BY 'a', id
SELECT id FROM t ORDER BY NULL, id
SELECT id FROM t ORDER BY typeof(1), id
SELECT id FROM t ORDER BY -3, id
SELECT id FROM t ORDER BY 1 / 0, id
SELECT id FROM t ORDER BY CAST(nan() AS integer), id
SELECT count(*) FROM t GROUP BY -3
SELECT count(*) FROM t GROUP BY 0
SELECT id, typeof(CAST(d AS integer)) FROM t
SELECT typeof(1.25 % 0.0)
SELECT d * NULL FROM t
SELECT abs(NULL)
SELECT avg(NULL) FROM t
SELECT t.s, t.bo, count_if(t.i > 3), grouping(t.s, t.bo) FROM t WHERE false GROUP BY GROUPING SETS ((t.s), (t.bo), ())
SELECT t.id, u.id FROM t LEFT JOIN u ON t.s = u.k OR t.id = u.id WHERE t.id > 1
SELECT t.id, a.x, a.y FROM t CROSS JOIN UNNEST(t.arr, split(t.s, ',')) AS a(x, y)
SELECT id, nth_value(s, 2) OVER (ORDER BY s NULLS FIRST, id ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) FROM t
SELECT dec FROM t INTERSECT SELECT v FROM u
SELECT dec FROM t UNION SELECT i * 1.5e0 FROM t
SELECT id FROM t WHERE i = (SELECT max(b.i) FROM t b WHERE b.s = t.s)
SELECT year(t.dt), count(DISTINCT t.i), array_join(array_agg(t.s ORDER BY t.id), ',') FROM t RIGHT JOIN u ON t.dt > u.day GROUP BY year(t.dt)
SELECT TRY(CASE WHEN i > 5 THEN 1 / 0 END) FROM t
SELECT id, TRY(CASE WHEN i > 5 THEN 10 / i ELSE id END) FROM t
SELECT transform(ARRAY[ARRAY[1, 2], ARRAY[3]], x -> filter(x, y -> contains(transform(x, z -> z + 1), y))) 
SELECT transform(arr, x -> array_join(transform(arr, y -> x * y), ',')) FROM t
SELECT upper(s), lower(s), count(*) FROM t GROUP BY upper(s), lower(s)
WITH a AS (SELECT s, count(*) n FROM t GROUP BY s) SELECT x.s, y.n FROM a x JOIN a y ON x.n = y.n AND x.s < y.s
SELECT id, (SELECT count(*) FROM UNNEST(arr) AS a(x) WHERE x > 1) FROM t
SELECT id FROM t WHERE 3 IN (SELECT x FROM UNNEST(arr) AS a(x))
SELECT s, max(id) FROM t GROUP BY s HAVING max(id) = (SELECT max(id) FROM t)
SELECT s, (SELECT count(*) FROM u WHERE u.k = t.s) FROM t GROUP BY s
SELECT sum(x) OVER (ORDER BY x ROWS UNBOUNDED PRECEDING) FROM (VALUES 1e0, 2e0, NULL) v(x)
SELECT a.x, b.y FROM (VALUES 1, NULL) a(x) FULL JOIN (VALUES 1, NULL) b(y) ON a.x IS NOT DISTINCT FROM b.y
SELECT * FROM (VALUES (nan(), 1)) a(x, y) JOIN (VALUES nan()) b(z) ON a.x = b.z
SELECT * FROM (VALUES nan(), 1e0) a(x) WHERE NOT (x > 1)
SELECT * FROM (VALUES nan(), 1e0) a(x) WHERE x <= 1 OR x > 1
SELECT x FROM (VALUES nan(), 1e0) a(x) WHERE x NOT IN (1e0)
SELECT DISTINCT x FROM (VALUES nan(), nan(), -0e0, 0e0) a(x)
