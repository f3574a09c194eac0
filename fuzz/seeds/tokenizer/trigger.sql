CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN
  UPDATE b SET c = 'x;y' WHERE d = new.d; -- ; not here
  SELECT CASE WHEN 1 THEN 2 END;
END; SELECT /* ; */ :a, @b, $c::d(e), ?1, ? FROM "q;""r", [s;], `t;`;
