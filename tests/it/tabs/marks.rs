//! The file of marks is nobody's business: no schema, no inspector and no export shows it.

use super::world::{CALM, World};
use aludel::{inspect, params, text};

#[test]
fn the_marks_of_commits_are_in_no_schema_and_in_no_export() {
    let world = World::new(0, CALM);
    let engine = world.engine(0).build().unwrap();
    let (pages, bytes) = world.calm(async move {
        engine.execute(&text("CREATE TABLE t (x INTEGER)"), ()).await.unwrap();
        for x in 0..40 {
            let insert = async |conn: &aludel::Connection| {
                conn.execute(&text("INSERT INTO t VALUES (:x)"), params! { "x" => x }).await.map(drop)
            };
            engine.begin(insert).await.unwrap();
        }
        let schema = engine.execute(&text("SELECT type, name, tbl_name FROM sqlite_master"), ()).await.unwrap();
        let schema: Vec<_> = schema.all().unwrap().iter().map(|row| format!("{:?}", row.values())).collect();
        assert_eq!(schema, [r#"[Text("table"), Text("t"), Text("t")]"#]);
        let databases = engine.execute(&text("SELECT name FROM pragma_database_list"), ()).await.unwrap();
        let databases: Vec<_> = databases.scalars(0).unwrap().all().unwrap();
        assert_eq!(databases, ["main".into()]);

        let inspector = inspect(&engine).await.unwrap();
        assert_eq!(
            (inspector.get_schema_names(), inspector.get_table_names(None)),
            (vec!["main".into()], vec!["t".into()])
        );
        assert!(inspector.get_view_names(None).is_empty() && inspector.get_temp_table_names().is_empty());
        let columns: Vec<_> = inspector.get_columns("t", None).unwrap().iter().map(|column| &column.name[..]).collect();
        assert_eq!(columns, ["x"]);

        let pages: i64 = engine.scalar(&text("PRAGMA page_count"), ()).await.unwrap().unwrap();
        (pages, engine.export_bytes(()).await.unwrap())
    });
    let marks = std::fs::read(world.file("world.db-mark")).unwrap();
    let (magic, client) = (b"aludelmk", world.clients()[0].to_le_bytes());
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(&marks, magic) && holds(&marks, &client), "commits were marked: {} bytes", marks.len());
    assert_eq!(bytes.len() as i64, pages * 4096, "the pages of the database only");
    assert!(!holds(&bytes, magic));
}
