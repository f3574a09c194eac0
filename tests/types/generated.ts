// Made by aludel from a database. Change the database, not this file.
import { BigInteger, Boolean_, Column, DateTime, declaredAs, ForeignKey, Integer, JSON_, literalColumn, MetaData, String_, Table } from "aludel";

export const metadata = new MetaData();

/** Views, and tables of modules: they are read, and created by nobody. */
export const views = new MetaData();

export const users = new Table("users", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("name", String_(50), { nullable: false }),
  new Column("born", DateTime),
  new Column("meta", JSON_()),
  new Column("big", BigInteger, { serverDefault: literalColumn("5") }),
  new Column("flag", Boolean_, { nullable: false }));
/** A row of "users". */
export type Users = typeof users.$row;
/** What can be inserted into it. */
export type NewUsers = typeof users.$insert;

export const userPosts = new Table("user posts", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("user_id", Integer, new ForeignKey("users.id", { ondelete: "CASCADE" }), { nullable: false }),
  new Column("code", declaredAs(String_(3), "CHAR(3)")));
/** A row of "user posts". */
export type UserPosts = typeof userPosts.$row;
/** What can be inserted into it. */
export type NewUserPosts = typeof userPosts.$insert;

export const adults = new Table("adults", views,
  new Column("name", String_(50)));
/** A row of "adults". */
export type Adults = typeof adults.$row;
/** What can be inserted into it. */
export type NewAdults = typeof adults.$insert;
