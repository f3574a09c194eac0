// The procedures of aggregates.test.mjs: the worker imports them.

/** How many groups were begun, and how many came to their end. */
let begun = 0;
let finalized = 0;
export function told() {
  const seen = [begun, finalized];
  [begun, finalized] = [0, 0];
  return seen;
}

class Sum {
  sum = 0;
  constructor() {
    begun += 1;
  }
  step(value) {
    this.sum += Number(value ?? 0);
  }
  inverse(value) {
    this.sum -= Number(value ?? 0);
  }
  value() {
    return this.sum;
  }
  finalize() {
    finalized += 1;
    return this.sum;
  }
}

const failing = (method, thrown) => {
  class Fails extends Sum {}
  Fails.prototype[method] = () => {
    throw thrown;
  };
  return Fails;
};

export function setUp(conn) {
  conn.createWindowFunction("moving", Sum);
  conn.createAggregate("mine", Sum, { innocuous: true });
  conn.createFunction("twice", (value) => 2 * value);
  // A function that gives an object for each group, and methods that are fields.
  conn.createAggregate("longest", () => {
    let longest = null;
    return {
      step: (text, at = 0) => {
        if (longest === null || String(text).length > longest.length) longest = String(text).slice(at);
      },
      finalize: () => longest,
    };
  });
  conn.createAggregate("fields", class {
    values = [];
    step = (value) => this.values.push(value);
    finalize = () => this.values.length;
  });
  conn.createAggregate("kinds", () => ({ step() {}, finalize: () => new Uint8Array([1, 2]) }));
  for (const method of ["step", "inverse", "value", "finalize"]) {
    conn.createWindowFunction(`fails_${method}`, failing(method, new RangeError(`${method}, not today`)));
  }
  conn.createWindowFunction("throws_text", failing("step", "only a text"));
  conn.createWindowFunction("throws_object", failing("step", { why: 7 }));
  conn.createAggregate("cannot_begin", class {
    constructor() {
      throw new Error("no group today");
    }
    step() {}
    finalize() {}
  });
  conn.createAggregate("lacks", () => ({ step() {} }));
  conn.createAggregate("gives_null", () => null);
  conn.createAggregate("later", class {
    async step() {
      throw new Error("nobody waits for it");
    }
    finalize() {}
  });
  conn.createAggregate("promises", class {
    step() {}
    async finalize() {}
  });
  conn.createAggregate("asks", class {
    step() {
      conn.scalar("SELECT 1");
    }
    finalize() {}
  });
}

export const create = (conn, method, name, options) => conn[method](name, Sum, options);
export const createOf = (conn, method, what) => conn[method]("f", what);

export function throwing(conn) {
  conn.createFunction("throws_text_too", () => {
    throw "text of a function";
  });
  conn.createFunction("throws_nothing", () => {
    throw undefined;
  });
  conn.createCollation("throws", () => {
    throw new Error("a collation has failed");
  });
  conn.createCollation("throws_text_as_well", () => {
    throw "text of a collation";
  });
  conn.createCollation("undefined", () => undefined);
  conn.createCollation("boolean", (one, other) => one > other);
  conn.createCollation("symbol", () => Symbol("7"));
}

/** In a procedure, with what it has made itself. */
export function within(conn) {
  setUp(conn);
  const sums = conn.execute("SELECT name, moving(id) OVER (ORDER BY id ROWS 1 PRECEDING) FROM users ORDER BY id").all().map((row) => [...row]);
  let caught;
  try {
    conn.execute("INSERT INTO users (name) SELECT fails_step(name) FROM users");
  } catch ({ name, message }) {
    caught = [name, message.split("\n")[0]];
  }
  return [sums, caught, conn.scalar("SELECT count(*) FROM users")];
}
