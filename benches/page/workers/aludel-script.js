// What a user's module has who runs scripts inside aludel's worker.
export function run(engine, script) {
  engine.begin((conn) => conn.exec(script));
}

export function runEach(engine, statements) {
  engine.connect((conn) => {
    for (const statement of statements) {
      conn.exec(statement);
      conn.commit();
    }
  });
}
