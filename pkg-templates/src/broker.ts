/**
 * The broker: what `worker.js` is when it runs as a SharedWorker. It carries a port from the page that hosts a database to
 * the page that is its guest, since nothing else carries ports from tab to tab.
 *
 * Messages to it are `{ page }`, by which a page says who it is, and `{ to, attempt, port }` for another page. Messages from
 * it are `{ broker }`, its own number, by which two pages learn whether they have the same one, and what others sent.
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
    end.postMessage({ broker });
    // Each page holds a lock of its own while it lives. Without locks there are no tabs, and nobody comes here.
    void navigator.locks
      ?.request(`aludel-tab:${page}`, { mode: "shared" }, () => {
        if (pages.get(page) === end) pages.delete(page);
      })
      .catch(() => undefined);
  }
}
