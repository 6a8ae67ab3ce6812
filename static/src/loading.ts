// Modules that are loaded when they are used. A browser drops what it loads when the machine's network changes, and on a machine
// with containers it changes with each one that starts or stops.

const PAUSES_MS = [100, 400, 1600, 4000];

/** What `module` imports, tried again while it can't be fetched. Rejects with the last reason. */
export async function load<T>(module: () => Promise<T>, wait: (ms: number) => Promise<void> = pause): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await module();
    } catch (error) {
      // Chromium, Firefox and Safari word it differently; all throw a TypeError that speaks of a module.
      if (!(error instanceof TypeError && /module/i.test(error.message))) throw error;
      await wait(ms);
    }
  }
  return module();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
