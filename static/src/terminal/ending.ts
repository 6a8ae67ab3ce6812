// Ending a terminal that this page does not show.

import { Session } from "./session";

/** Ends the process of the terminal behind `endpoint`. Resolves once it has ended, or when the server can't be asked. */
export function endTerminal(endpoint: string): Promise<void> {
  const session = new Session({
    endpoint: () => endpoint,
    screen: { cols: 0, rows: 0, setSize: () => undefined, write: (_data, parsed) => parsed() },
    interactive: false,
  });
  return new Promise((resolve) => {
    session.state.onChange(({ kind }) => {
      if (kind === "live") session.end();
      if (kind === "live" || kind === "connecting") return;
      session.dispose();
      resolve();
    });
    session.start();
  });
}
