/**
 * The terminal in which the Studio's command line runs, given to a shell elsewhere: keys go there as they are typed,
 * and what comes back is obeyed, not escaped, because that is what a shell's output is for.
 */

/** What happens in the terminal. Errors are ignored: the shell may have ended in the same moment. */
export interface OperatorInput {
  onInput(text: string): Promise<void>;
  /** Called at the beginning, too. */
  onSize(size: { height: number; width: number }): Promise<void>;
  /** The terminal, or what stands for it, has no more input. */
  onClose(): Promise<void>;
}

/** Sent when the window changes its size. */
const signalName = "SIGWINCH";

/** The terminal is as before after `end()`. */
export class OperatorTerminal {
  readonly #isTerminal = Deno.stdin.isTerminal();
  #onResize: (() => void) | undefined;

  /** Begins to read keys. */
  begin(input: OperatorInput): void {
    if (this.#isTerminal) Deno.stdin.setRaw(true);
    this.#watchSize(input);
    this.#read(input).catch(ignore);
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
  }

  end(): void {
    if (this.#isTerminal) Deno.stdin.setRaw(false);
    if (this.#onResize !== undefined) Deno.removeSignalListener(signalName, this.#onResize);
    this.#onResize = undefined;
  }

  async #read({ onInput, onClose }: OperatorInput): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    for (let size = await Deno.stdin.read(buffer); size !== null; size = await Deno.stdin.read(buffer)) {
      const text = decoder.decode(buffer.subarray(0, size), { stream: true });
      if (text !== "") await onInput(text);
    }
    // Without a terminal the input is a list of commands, whose output still comes.
    if (this.#isTerminal) await onClose();
    else await onInput("\x04");
  }

  #watchSize({ onSize }: OperatorInput): void {
    if (!Deno.stdout.isTerminal()) return;
    const report = () => {
      const { rows: height, columns: width } = Deno.consoleSize();
      onSize({ height, width }).catch(ignore);
    };
    report();
    if (Deno.build.os === "windows") return;
    Deno.addSignalListener(signalName, report);
    this.#onResize = report;
  }
}

function ignore(): void {
  // See `OperatorInput`.
}
