/**
 * The broker: what `worker.js` is when it runs as a SharedWorker. It carries a port from the page that hosts a database to
 * the page that is its guest, since nothing else carries ports from tab to tab.
 *
 * Messages to it are `{ page }`, by which a page says who it is, and `{ to, attempt, port }` for another page. Messages from
 * it are `{ broker, lives }`, its own number, by which two pages learn whether they have the same one, and the Web Lock that
 * it holds as long as it lives; and what others sent. It dies without a word with the page in whose process it runs.
 * Tabs with older code may be connected to it: this may grow, and must not change.
 *
 * @module
 */

interface Connected {
  onconnect: ((event: MessageEvent) => void) | null;
}

interface Message {
  readonly page?: string;
  readonly to?: string;
  readonly port?: MessagePort;
}

/** Takes pages, for as long as there are any. */
export function serve(scope: object): void {
  const broker = crypto.randomUUID();
  const pages = new Map<string, MessagePort>();
  const locks = navigator.locks as LockManager | undefined;
  const lives = `aludel-broker:${broker}`;
  const held = new Promise<string | undefined>((resolve) => {
    const hold = (): Promise<never> => {
      resolve(lives);
      return new Promise(() => undefined);
    };
    // Where locks are refused, its death stays unseen.
    if (locks === undefined) resolve(undefined);
    else locks.request(lives, hold).catch(() => resolve(undefined));
  });
  (scope as Connected).onconnect = ({ ports: [end] }) => {
    if (end === undefined) return;
    end.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.page !== undefined) {
        enter(data.page, end);
      } else if (data.to !== undefined && data.port !== undefined) {
        pages.get(data.to)?.postMessage(data, [data.port]);
      }
    };
  };

  function enter(page: string, end: MessagePort): void {
    pages.set(page, end);
    void held.then((lives) => end.postMessage(lives === undefined ? { broker } : { broker, lives }));
    // Each page holds a lock of its own while it lives.
    void locks
      ?.request(`aludel-tab:${page}`, { mode: "shared" }, () => {
        if (pages.get(page) === end) pages.delete(page);
      })
      .catch(() => undefined);
  }
}
