//! The constructs of the gallery, by name. The client's tests run them.

use crate::tables::Tables;
use aludel_protocol::Value;
use aludel_sql::expr::*;
use aludel_sql::schema::*;
use aludel_sql::statement::*;
use aludel_sql::types::SqlType;
use std::collections::BTreeMap;
use std::rc::Rc;

fn v(value: impl Into<Value>) -> BindValue {
    BindValue::Value(value.into())
}

fn lit(value: impl Into<Value>) -> Expr {
    literal(value.into())
}

fn cmp(op: Binary, left: &Expr, value: impl Into<Value>) -> Expr {
    binary(op, left, &beside(left, v(value)))
}

fn s(query: Select) -> Statement {
    Statement::Query(query.query())
}

fn from(table: &Rc<Table>) -> From {
    From::Table(table.clone())
}

fn window(partition_by: Vec<Expr>, order_by: Vec<Expr>, frame: Option<(FrameUnit, FrameEnd, FrameEnd)>) -> Window {
    Window { partition_by, order_by, frame }
}

/// Every vector's construct, by its name.
pub fn constructs() -> BTreeMap<&'static str, Statement> {
    use Binary::*;
    let t = Tables::new();
    let (u, a) = (|key: &str| t.u(key), |key: &str| t.a(key));
    let (users, addr) = (from(&t.users), from(&t.addr));
    let ua = users.alias(None);
    let un = users.alias(Some("u2"));
    let none: Vec<Expr> = Vec::new();
    let ids = |conditions: Vec<Expr>| s(select([u("id")]).filter(conditions));
    let sel = |exprs: Vec<Expr>| s(select(exprs));
    let adults = || {
        let query = select([u("id"), u("name")]).filter([cmp(Gt, &u("age"), 5)]);
        From::Cte(query.cte(Some("adults")))
    };
    let star = || literal_column("*", SqlType::Null);
    let join = |right: From, on: Option<Expr>, kind| s(select([u("name")]).join_as(right, on, kind));
    let eq = |left: &Expr, right: &Expr| binary(Eq, left, right);
    let asc = |expr: Expr| vec![expr];
    let desc = |expr: &Expr| ordered(expr, Direction::Descending);
    let name = |key: &str| Node::new(Kind::Name(key.into()), SqlType::Null);
    let json = |read: Option<JsonRead>, path: &str| {
        let item = json_item(&u("meta"), v(path));
        read.map_or(item.clone(), |read| json_read(&item, read))
    };
    let count_group =
        select([u("id"), label(&call("count", none.clone()), Some("c"))]).group_by([u("id")]).subquery(None);
    let email = |value: &str| settings([("id", lit(1)), ("email", lit(value))]);
    let je = |columns: &[&str], function: Expr, name: Option<&str>| {
        let Kind::Function(function) = &function.kind else { panic!("no function") };
        let column = |key: &&str| FromColumn { name: Name::given(key), key: (*key).into(), ty: SqlType::Null };
        let columns = columns.iter().map(column).collect();
        From::Function(Rc::new(TableFunction { function: function.clone(), columns, name: name.map(Rc::from) }))
    };
    let each = je(&["key", "value"], call("json_each", [bind("json_each", v("[\"a\"]"), SqlType::Null)]), None);
    let column_each = je(&["value"], call("json_each", [u("meta")]), Some("je"));
    let recursive = {
        let first = cte(select([label(&lit(1), Some("n"))]).query(), Some("r"), true);
        let n = From::Cte(first.clone()).column("n").unwrap();
        let next = select([binary(Add, &n, &beside(&n, v(1)))]).filter([cmp(Lt, &n, 10)]);
        From::Cte(cte_union(&first, next.query(), true))
    };
    let users_ids = || select([u("id")]).query();
    let addr_ids = || select([a("id")]).query();
    let union = |kind, parts: [Query; 2]| compound(kind, parts);
    let text_of = |sql: &str, binds| TextPart::new(sql, binds).unwrap();
    let arg = |function: &str, value: i64| bind(function, v(value), SqlType::Integer);
    let unit = |unit, start, end| Some(frame(unit, start, end));
    let big = |sql: &str| literal_column(sql, SqlType::Null);
    let create = |table: &Rc<Table>, if_not_exists| {
        let naming = NamingConvention::default();
        Statement::Ddl(Rc::new(Ddl::CreateTable { table: table.clone(), naming, if_not_exists }))
    };
    let dropped = |what, name: &str| {
        Statement::Ddl(Rc::new(Ddl::Drop { what, schema: None, name: name.into(), if_exists: false }))
    };
    let one = |list: Vec<Expr>| list;
    let _ = (&one, &big, &asc);

    BTreeMap::from([
        ("sel", sel(vec![u("id"), u("name")])),
        ("sel_star", s(select([star()]).select_from(users.clone()))),
        ("where2", ids(vec![cmp(Gt, &u("age"), 5), cmp(Eq, &u("name"), "x")])),
        ("and_or", ids(vec![or([and([cmp(Gt, &u("age"), 5), cmp(Lt, &u("age"), 9)]), not(&u("flag"))])])),
        ("empty_and", ids(vec![and([truth(true)])])),
        ("isnull", ids(vec![binary(Eq, &u("age"), &null())])),
        ("isnotnull", ids(vec![binary(Ne, &u("age"), &null())])),
        ("is_", sel(vec![binary(Is, &u("flag"), &truth(true))])),
        ("istrue", ids(vec![u("flag")])),
        ("bool_eq", ids(vec![binary(Eq, &u("flag"), &truth(true))])),
        ("distinct_from", sel(vec![cmp(IsNot, &u("age"), 5)])),
        ("in_", ids(vec![in_list(&u("age"), BindValue::List(vec![1.into(), 2.into(), 3.into()]))])),
        ("in_empty", ids(vec![in_list(&u("age"), BindValue::List(vec![]))])),
        ("notin_empty", ids(vec![not(&in_list(&u("age"), BindValue::List(vec![])))])),
        ("in_sub", ids(vec![in_(&u("id"), InList::Query(select([a("user_id")]).query()))])),
        (
            "tuple_in",
            ids(vec![in_list(
                &tuple(vec![u("id"), u("age")]),
                BindValue::Rows(vec![vec![1.into(), 2.into()], vec![3.into(), 4.into()]]),
            )]),
        ),
        ("in_null", ids(vec![in_list(&u("age"), BindValue::List(vec![1.into(), Value::Null]))])),
        ("between", ids(vec![between(&u("age"), &beside(&u("age"), v(1)), &beside(&u("age"), v(5)))])),
        ("notbetween", ids(vec![not(&between(&u("age"), &beside(&u("age"), v(1)), &beside(&u("age"), v(5))))])),
        ("like", ids(vec![like(&u("name"), &beside(&u("name"), v("a%")), Some('/'))])),
        ("ilike", ids(vec![ilike(&u("name"), &beside(&u("name"), v("A%")), None)])),
        (
            "startswith",
            ids(vec![looks_like(
                &u("name"),
                &beside(&u("name"), v(autoescape("a%b", '/'))),
                Place::Start,
                Some('/'),
                false,
            )]),
        ),
        ("contains", ids(vec![looks_like(&u("name"), &beside(&u("name"), v("x")), Place::Anywhere, None, false)])),
        ("icontains", ids(vec![looks_like(&u("name"), &beside(&u("name"), v("X")), Place::Anywhere, None, true)])),
        ("endswith", ids(vec![looks_like(&u("name"), &beside(&u("name"), v("x")), Place::End, None, false)])),
        ("regexp", ids(vec![cmp(Regexp, &u("name"), "^a")])),
        ("match", ids(vec![cmp(Match, &u("name"), "q")])),
        ("collate", s(select([collate(&u("name"), "NOCASE")]).order_by([desc(&collate(&u("name"), "NOCASE"))]))),
        ("concat", sel(vec![cmp(Add, &u("name"), "x")])),
        ("concat3", sel(vec![cmp(Concat, &u("name"), "y")])),
        ("arith", {
            let sum = cmp(Add, &u("age"), 1);
            let product = cmp(Mul, &sum, 2);
            sel(vec![
                cmp(Sub, &product, 3),
                cmp(TrueDiv, &u("age"), 2),
                cmp(FloorDiv, &u("age"), 2),
                cmp(Mod, &u("age"), 2),
                neg(&u("age")),
            ])
        }),
        ("truediv_float", sel(vec![cmp(TrueDiv, &u("score"), 2)])),
        ("floordiv_float", sel(vec![cmp(FloorDiv, &u("score"), 2)])),
        ("pow", sel(vec![call("pow", [u("age"), arg("pow", 2)])])),
        (
            "bit",
            sel(vec![
                cmp(BitAnd, &u("age"), 1),
                cmp(BitOr, &u("age"), 1),
                cmp(BitXor, &u("age"), 1),
                bitwise_not(&u("age")),
                cmp(ShiftLeft, &u("age"), 1),
            ]),
        ),
        (
            "op",
            sel(vec![cmp(
                Custom(Rc::new(CustomOperator {
                    symbol: "GLOB".into(),
                    precedence: precedence::EQUALITY,
                    comparison: false,
                })),
                &u("name"),
                "a*",
            )]),
        ),
        (
            "custom_bool",
            ids(vec![cmp(
                Custom(Rc::new(CustomOperator {
                    symbol: "GLOB".into(),
                    precedence: precedence::EQUALITY,
                    comparison: true,
                })),
                &u("name"),
                "a*",
            )]),
        ),
        (
            "case",
            sel(vec![case(
                None,
                vec![(cmp(Gt, &u("age"), 5), lit("old")), (cmp(Gt, &u("age"), 2), lit("mid"))],
                Some(lit("young")),
            )]),
        ),
        ("case_val", sel(vec![case(Some(u("age")), vec![(lit(1), lit("a")), (lit(2), lit("b"))], Some(lit("z")))])),
        (
            "cast",
            sel(vec![
                cast(&u("age"), SqlType::String(None)),
                cast(&u("name"), SqlType::Numeric(Some(10), Some(2))),
                cast(&u("id"), SqlType::Text),
            ]),
        ),
        ("type_coerce", sel(vec![type_coerce(&u("name"), SqlType::JSON)])),
        ("extract", sel(vec![extract("year", &u("dt"))])),
        ("label_order", s(select([label(&u("age"), Some("g"))]).order_by([name("g")]))),
        ("order_desc", s(select([u("id")]).order_by([nulls(&desc(&u("age")), false), desc(&name("name"))]))),
        (
            "group_having",
            s(select([u("age"), call("count", [u("id")])]).group_by([u("age")]).having([cmp(
                Gt,
                &call("count", [u("id")]),
                1,
            )])),
        ),
        ("distinct", s(select([u("age")]).distinct())),
        ("count_star", s(select([call("count", none.clone())]).select_from(users.clone()))),
        ("count_distinct", sel(vec![call("count", [distinct(&u("age"))])])),
        ("limit", s(select([u("id")]).limit(5))),
        ("offset", s(select([u("id")]).offset(5))),
        ("limit_offset", s(select([u("id")]).limit(5).offset(2))),
        ("fetch", s(select([u("id")]).limit(4).offset(2))),
        ("for_update", s(select([u("id")]))),
        ("join", s(select([u("name"), a("email")]).join(addr.clone()))),
        ("join_on", join(addr.clone(), Some(eq(&u("id"), &a("user_id"))), JoinKind::Inner)),
        ("outer", join(addr.clone(), None, JoinKind::Left)),
        ("full", join(addr.clone(), None, JoinKind::Full)),
        ("join_from", s(select([a("email")]).join_from(users.clone(), addr.clone()))),
        (
            "selfjoin",
            s(select([u("name"), un.column("name").unwrap()])
                .join_on(un.clone(), eq(&u("id"), &un.column("age").unwrap()))),
        ),
        ("anon_alias", s(select([ua.column("id").unwrap()]).filter([cmp(Eq, &ua.column("name").unwrap(), "x")]))),
        ("subq", sel(vec![count_group.column("c").unwrap()])),
        (
            "scalar_subq",
            sel(vec![
                u("name"),
                label(
                    &select([call("count", [a("id")])]).filter([eq(&a("user_id"), &u("id"))]).scalar_subquery(),
                    Some("cnt"),
                ),
            ]),
        ),
        ("exists", ids(vec![select([star()]).filter([eq(&a("user_id"), &u("id"))]).exists()])),
        ("not_exists", ids(vec![not(&select([a("id")]).filter([eq(&a("user_id"), &u("id"))]).exists())])),
        (
            "correlate_except",
            ids(vec![eq(
                &u("id"),
                &select([call("max", [a("user_id")])]).correlate_except(vec![addr.clone()]).scalar_subquery(),
            )]),
        ),
        ("cte", sel(vec![adults().column("name").unwrap()])),
        ("rcte", sel(vec![recursive.column("n").unwrap()])),
        ("cte_not_mat", sel(vec![adults().column("id").unwrap()])),
        (
            "union",
            Statement::Query(
                union(CompoundKind::Union, [users_ids(), addr_ids()]).order_by([name("id")]).limit(3).query(),
            ),
        ),
        ("union_all", Statement::Query(union(CompoundKind::UnionAll, [users_ids(), addr_ids()]).query())),
        ("intersect", Statement::Query(union(CompoundKind::Intersect, [users_ids(), addr_ids()]).query())),
        ("except_", Statement::Query(union(CompoundKind::Except, [users_ids(), addr_ids()]).query())),
        ("nested_union", {
            let inner = union(CompoundKind::UnionAll, [addr_ids(), select([u("age")]).query()]).subquery(None);
            let inner = select([inner]).query();
            Statement::Query(union(CompoundKind::Union, [users_ids(), inner]).query())
        }),
        ("union_sub", s(select([union(CompoundKind::Union, [users_ids(), addr_ids()]).subquery(None)]))),
        (
            "window",
            sel(vec![over(&call("row_number", none.clone()), window(vec![u("age")], vec![desc(&u("id"))], None))]),
        ),
        (
            "window_rows",
            sel(vec![over(
                &call("sum", [u("age")]),
                window(vec![], vec![u("id")], unit(FrameUnit::Rows, Some(-1), Some(1))),
            )]),
        ),
        (
            "window_range",
            sel(vec![over(
                &call("sum", [u("age")]),
                window(vec![], vec![u("id")], unit(FrameUnit::Range, None, Some(0))),
            )]),
        ),
        (
            "window_groups",
            sel(vec![over(
                &call("sum", [u("age")]),
                window(vec![], vec![u("id")], unit(FrameUnit::Groups, Some(-1), None)),
            )]),
        ),
        ("filter", sel(vec![filter(&call("count", [u("id")]), &cmp(Gt, &u("age"), 5))])),
        (
            "lag",
            sel(vec![over(
                &call("lag", [u("age"), arg("lag", 1), arg("lag", 0)]),
                window(vec![], vec![u("id")], None),
            )]),
        ),
        ("now", sel(["now", "current_date", "localtimestamp"].map(|name| call(name, none.clone())).to_vec())),
        ("random", sel(vec![call("random", none.clone())])),
        ("coalesce", sel(vec![call("coalesce", [u("age"), arg("coalesce", 0)])])),
        ("char_length", sel(vec![call("char_length", [u("name")])])),
        ("concat_fn", sel(vec![call("concat", [u("name"), bind("concat", v("x"), SqlType::String(None))])])),
        (
            "json",
            sel(vec![
                json(None, "$.\"a\""),
                json(Some(JsonRead::Integer), "$.\"a\""),
                json(Some(JsonRead::String), "$.\"a\""),
                json(None, "$.\"a\"[0].\"b\""),
                json(Some(JsonRead::Boolean), "$.\"a\""),
                json(Some(JsonRead::Float), "$.\"a\""),
                json(Some(JsonRead::Json), "$.\"a\""),
            ]),
        ),
        ("json_where", ids(vec![cmp(Eq, &json(Some(JsonRead::String), "$.\"k\""), "v")])),
        ("table_valued", sel(each.column_exprs())),
        ("column_valued", s(select([column_each.column("value").unwrap()]).select_from(users.clone()))),
        ("literal", sel(vec![lit(5), lit("x"), null(), truth(true), truth(false)])),
        ("literal_column", sel(vec![label(&literal_column("1+1", SqlType::Null), Some("x"))])),
        ("text_cols", {
            let text = text_of("select id, name from users where id=:id", Vec::new());
            let column = |key: &str| FromColumn { name: Name::given(key), key: key.into(), ty: SqlType::Null };
            let columns = vec![column("id"), column("name")];
            Statement::Query(Query::Text(Rc::new(TextSelect { text: Rc::new(text), columns })))
        }),
        ("text_bind", {
            let bind = Bind { name: BindName::Named("x".into()), value: v(5), expanding: false };
            let text = text_of("select :x", vec![(bind, SqlType::Integer)]);
            Statement::Query(Query::Text(Rc::new(TextSelect { text: Rc::new(text), columns: Vec::new() })))
        }),
        ("bindparam", ids(vec![eq(&u("age"), &bindparam("age", BindValue::Required, SqlType::Integer, false))])),
        (
            "expanding",
            ids(vec![in_(&u("id"), InList::Bind(bindparam("ids", BindValue::Required, SqlType::Integer, true)))]),
        ),
        ("prefix", s(select([u("id")]).prefix_with("/*x*/"))),
        ("quoted", sel(vec![u("select")])),
        ("label_tablename", sel(vec![u("id"), a("id")])),
        ("label_style", s(select([u("id"), a("id")]).set_label_style(LabelStyle::TableNamePlusColumn))),
        ("dup", sel(vec![u("id"), u("id")])),
        ("filter_by", s(select([users.clone()]).filter_by("name", "x".into()).with_only_columns([u("id")]))),
        ("ins", insert(&t.users).values(settings([("name", lit("x")), ("age", lit(5))])).statement()),
        ("ins_none", insert(&t.users).statement()),
        ("ins_empty", insert(&t.addr).values(()).statement()),
        (
            "ins_multi",
            insert(&t.users).rows(vec![settings([("name", lit("x"))]), settings([("name", lit("y"))])]).statement(),
        ),
        (
            "ins_expr",
            insert(&t.users)
                .values(settings([
                    ("name", call("lower", [bind("lower", v("X"), SqlType::String(None))])),
                    ("age", select([call("max", [a("id")])]).scalar_subquery()),
                ]))
                .statement(),
        ),
        (
            "ins_ret",
            insert(&t.users).values(settings([("name", lit("x"))])).returning([u("id"), u("name")]).statement(),
        ),
        ("ins_sel", insert(&t.users).from_select(&["name"], select([a("email")]).query()).statement()),
        ("ins_prefix", insert(&t.users).prefix_with("OR REPLACE").values(settings([("name", lit("x"))])).statement()),
        (
            "upsert",
            insert(&t.addr)
                .values(email("x"))
                .on_conflict(vec![a("email")], None, ConflictAction::Update(settings([("user_id", lit(5))]), vec![]))
                .statement(),
        ),
        ("upsert_excl", {
            let insert = insert(&t.addr).values(email("x"));
            let excluded = insert.excluded().column("user_id").unwrap();
            let update = ConflictAction::Update(settings([("user_id", excluded)]), vec![cmp(Gt, &a("id"), 3)]);
            insert.on_conflict(vec![a("email")], None, update).statement()
        }),
        (
            "upsert_nothing",
            insert(&t.addr)
                .values(settings([("id", lit(1))]))
                .on_conflict(vec![], None, ConflictAction::Nothing)
                .statement(),
        ),
        (
            "upsert_nothing_t",
            insert(&t.addr)
                .values(settings([("id", lit(1))]))
                .on_conflict(vec![a("email")], None, ConflictAction::Nothing)
                .statement(),
        ),
        (
            "upd",
            update(t.users.clone())
                .filter([cmp(Eq, &u("id"), 5)])
                .values(settings([("name", lit("z")), ("age", cmp(Add, &u("age"), 1))]))
                .statement(),
        ),
        ("upd_all", update(t.users.clone()).values(settings([("name", lit("z"))])).statement()),
        (
            "upd_from",
            update(t.users.clone())
                .filter([eq(&u("id"), &a("user_id"))])
                .values(settings([("name", a("email"))]))
                .statement(),
        ),
        (
            "upd_corr",
            update(t.users.clone())
                .values(settings([(
                    "name",
                    select([a("email")]).filter([eq(&a("user_id"), &u("id"))]).limit(1).scalar_subquery(),
                )]))
                .statement(),
        ),
        ("upd_ret", update(t.users.clone()).values(settings([("age", lit(1))])).returning([u("id")]).statement()),
        (
            "upd_ordered",
            update(t.users.clone()).ordered_values(settings([("age", lit(1)), ("name", lit("x"))])).statement(),
        ),
        ("del_", delete(t.users.clone()).filter([cmp(Eq, &u("id"), 1)]).statement()),
        ("del_ret", delete(t.users.clone()).returning([u("id")]).statement()),
        (
            "del_sub",
            delete(t.users.clone()).filter([in_(&u("id"), InList::Query(select([a("user_id")]).query()))]).statement(),
        ),
        (
            "cte_dml",
            delete(t.users.clone())
                .filter([in_(&u("id"), InList::Query(select([adults().column("id").unwrap()]).query()))])
                .statement(),
        ),
        (
            "ins_cte",
            insert(&t.users).from_select(&["name"], select([adults().column("name").unwrap()]).query()).statement(),
        ),
        ("sum_type", sel(vec![call("sum", [u("n")])])),
        (
            "over_name",
            sel(vec![label(&over(&call("rank", none.clone()), window(vec![], vec![u("age")], None)), Some("r"))]),
        ),
        ("nullif", sel(vec![call("nullif", [u("age"), arg("nullif", 0)])])),
        ("notlike", ids(vec![not(&like(&u("name"), &beside(&u("name"), v("x")), None))])),
        ("ne", ids(vec![cmp(Ne, &u("age"), 5)])),
        ("neg_in", ids(vec![not(&in_list(&u("age"), BindValue::List(vec![1.into()])))])),
        ("exists_sel", sel(vec![select([a("id")]).exists()])),
        ("date_lit", ids(vec![cmp(Gt, &u("dt"), "2020-01-01 00:00:00")])),
        (
            "try_sub",
            ids(vec![binary(Gt, &u("age"), &select([call("avg", [un.column("age").unwrap()])]).scalar_subquery())]),
        ),
        ("ddl_create", create(&t.users, false)),
        ("ddl_create2", create(&t.addr, false)),
        ("ddl_drop", dropped(DropWhat::Table, "users")),
        ("ddl_create_if", create(&t.addr, true)),
        ("ddl_idx", {
            let index = Index {
                name: Some("ix".into()),
                elements: vec![IndexElement::Column("name".into()), IndexElement::Expr(call("lower", [u("name")]))],
                unique: true,
                condition: Some(cmp(Gt, &u("age"), 5)),
            };
            Statement::Ddl(Rc::new(Ddl::CreateIndex {
                table: t.users.clone(),
                index: Rc::new(index),
                naming: NamingConvention::default(),
                if_not_exists: false,
            }))
        }),
        ("ddl_dropidx", dropped(DropWhat::Index, "ix2")),
        ("ddl_worowid", {
            let key = |name: &str| Column::new(name, SqlType::Integer).primary_key();
            let mut table = Table::new("t3", vec![key("x"), key("y"), Column::new("z", SqlType::Integer)]);
            table.options.without_rowid = true;
            create(&Rc::new(table), false)
        }),
    ])
}
