// What TypeScript makes of inspectors, of tables that were read, and of a module that was written from a database.
import { inspect, insert, listen, MetaData, select, Table, type AnyTable, type Connection, type Inspector } from "aludel";
import { userPosts, users, type Adults, type NewUsers, type UserPosts, type Users } from "./generated.js";
import { same, type Same } from "./same.js";

same<Same<Users["id"], number>>();
same<Same<Users["name"], string>>();
same<Same<Users["born"], Date | null>>();
same<Same<Users["big"], bigint | null>>();
same<Same<Users["flag"], boolean>>();
same<Same<UserPosts["user_id"], number>>();
same<Same<UserPosts["code"], string | null>>();
same<Same<Adults["name"], string | null>>();

export const made: NewUsers = { name: "Dan", flag: true };
// @ts-expect-error the name is missing
export const wrong: NewUsers = { flag: true };

export async function read(conn: Connection): Promise<void> {
  const rows = await conn.execute(select(users.c.name, userPosts.c.code).join(userPosts));
  const { name, code } = rows.one();
  same<Same<typeof name, string>>();
  same<Same<typeof code, string | null>>();
  await conn.execute(insert(users).values({ name: "a", flag: false }));
  const inspector = await inspect(conn);
  same<Same<typeof inspector, Inspector>>();
  same<Same<ReturnType<Inspector["getTableNames"]>, string[]>>();
  const metadata = new MetaData();
  const table = await Table.reflect("users", metadata, inspector, { includeColumns: ["id"] });
  same<Same<typeof table, AnyTable>>();
  await metadata.reflect(conn, { only: (name) => name !== "log", views: true });
  // @ts-expect-error there is no such option
  await metadata.reflect(conn, { tables: ["users"] });
  // @ts-expect-error a promise is no connection
  await inspect(Promise.resolve(conn));
  listen(table, "afterCreate", (target, connection, { tables }) => connection.execute(select(tables[0] as AnyTable)));
  // @ts-expect-error there is no such event
  listen(table, "after_create", () => undefined);
}
