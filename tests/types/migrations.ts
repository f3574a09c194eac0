// What the types of migrations accept, say and refuse.
import {
  createEngine,
  migrate,
  MigrationError,
  migrationStatus,
  migrationSteps,
  NewerDatabaseError,
  text,
  type Migrated,
  type Migration,
  type MigrationProblem,
  type SQLAlchemyError,
} from "aludel";
import { sameTypes as same } from "./same.js";

export async function run(): Promise<void> {
  const engine = createEngine("sqlite://");
  const steps: Migration[] = [
    "CREATE TABLE t (a)",
    (conn) => conn.execute(text("SELECT 1")),
    { name: "sql", sql: "SELECT 1", checksum: "v1", foreignKeys: true },
    { name: "up", up: async (conn, { name, signal }) => void (await conn.execDriverSql(name, undefined, signal === undefined ? {} : { signal })) },
    { name: "module", module: () => import("./procedures.js") },
  ];
  const migrated = await migrate(engine, steps, {
    signal: AbortSignal.timeout(1_000),
    onStep: ({ name, index, count }) => console.log(name.length, index + count),
    onVersionChange: ({ unknown }) => console.log(unknown.join()),
    onBlocked: ({ waited }) => console.log(waited.toFixed()),
  });
  same<typeof migrated, Migrated>(true);
  same<typeof migrated.applied, readonly string[]>(true);
  const { problem, applied } = await migrationStatus(engine, migrationSteps({ "a.sql": "SELECT 1" }), { adopt: true, userVersion: false });
  same<typeof problem, SQLAlchemyError | null>(true);
  same<(typeof applied)[0] extends infer T | undefined ? T : never, unknown>(false);
  if (problem instanceof MigrationError) same<typeof problem.problem, MigrationProblem | null>(true);
  if (problem instanceof NewerDatabaseError) same<typeof problem.unknown, readonly string[]>(true);

  // @ts-expect-error: a step is of one kind
  await migrate(engine, [{ name: "both", sql: "SELECT 1", up: () => undefined }]);
  // @ts-expect-error: a step has a name
  await migrate(engine, [{ sql: "SELECT 1" }]);
  // @ts-expect-error: there are no steps back
  await migrate(engine, [{ name: "down", sql: "SELECT 1", down: "SELECT 2" }]);
  // @ts-expect-error: no such option
  await migrate(engine, [], { lock: true });
  // @ts-expect-error: a status runs nothing
  await migrationStatus(engine, [], { onStep: () => undefined });
}
