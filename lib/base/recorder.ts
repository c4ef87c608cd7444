/** Measures pieces of work where somebody wants to know about them, and costs nothing where nobody does. */

/** A piece of work. */
export interface Activity {
  /** A call of a procedure by Studio, a transition of an app, or one of its steps. */
  kind: "call" | "transition" | "step";
  /** The procedure, the goal, or the kind of step: one of few. */
  name: string;
  /** What traces say besides, such as the app; no secrets. */
  about?: Readonly<Record<string, string | number>>;
}

/** Measures work. */
export interface Recorder {
  /** Does `work`, and passes on what it returns or throws. `fail` marks it as failed when it does not throw. */
  record<T>(activity: Activity, work: (fail: (why: string) => void) => Promise<T>): Promise<T>;
}

/** Measures nothing. */
export const noRecorder: Recorder = { record: (_activity, work) => work(() => {}) };
