/**
 * Bounds what a client can make the router hold before a message is complete. The WebSocket package checks the size of
 * a message, but for all clients alike, and gathers any number of fragments, each of which costs many times its own
 * size.
 */

/** What one message may be. */
export interface FrameLimits {
  messageBytes: number;
  fragments: number;
}

/** Reads the headers of a client's frames in its bytes, and skips the rest. Pure, apart from its own state. */
export class FrameMeter {
  /** Bytes of the message that is not complete yet. */
  unfinishedBytes = 0;
  readonly #head: number[] = [];
  #payloadLeft = 0;
  #fragments = 0;
  /** The frame ends the message. */
  #isLast = true;
  #isControl = false;

  /** Takes the next bytes. Returns why they are refused; undefined when they are not. */
  take(bytes: Uint8Array, limits: FrameLimits): string | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payloadLeft > 0) {
        at += this.#skip(bytes.length - at);
        continue;
      }
      this.#head.push(bytes[at] ?? 0);
      at += 1;
      const refusal = this.#readHead(limits);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #skip(availableBytes: number): number {
    const size = Math.min(this.#payloadLeft, availableBytes);
    this.#payloadLeft -= size;
    if (!this.#isControl) this.unfinishedBytes += size;
    if (this.#payloadLeft === 0) this.#endFrame();
    return size;
  }

  #readHead({ messageBytes, fragments }: FrameLimits): string | undefined {
    const [first = 0, second = 0] = this.#head;
    const short = second & 127;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const maskBytes = second & 128 ? 4 : 0;
    if (this.#head.length < 2 || this.#head.length < 2 + lengthBytes + maskBytes) return undefined;
    const length = lengthBytes === 0 ? short : bigEndian(this.#head.slice(2, 2 + lengthBytes));
    this.#head.length = 0;
    this.#isControl = (first & 8) !== 0;
    this.#payloadLeft = length;
    if (!this.#isControl) {
      this.#isLast = (first & 128) !== 0;
      this.#fragments += 1;
      if (this.unfinishedBytes + length > messageBytes) return "Max payload size exceeded";
      if (this.#fragments > fragments) return "Too many message fragments";
    }
    if (length === 0) this.#endFrame();
    return undefined;
  }

  #endFrame(): void {
    if (this.#isControl || !this.#isLast) return;
    this.unfinishedBytes = 0;
    this.#fragments = 0;
  }
}

/** Somebody whose message is not complete. */
export interface UnfinishedSender {
  /** Ends it, because too much waits in all. */
  overflow(): void;
}

/** What all unfinished messages hold together. The oldest goes when that is too much: its sender is the slowest. */
export class UnfinishedMessages {
  readonly #limitBytes: number;
  readonly #bytes = new Map<UnfinishedSender, number>();
  #total = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Notes what a sender's unfinished message holds at the moment; 0 when it has none. */
  note(sender: UnfinishedSender, bytes: number): void {
    this.#total += bytes - (this.#bytes.get(sender) ?? 0);
    if (bytes === 0) this.#bytes.delete(sender);
    else this.#bytes.set(sender, bytes);
    while (this.#total > this.#limitBytes) {
      const [oldest] = this.#bytes.keys();
      if (oldest === undefined) return;
      this.note(oldest, 0);
      oldest.overflow();
    }
  }
}

function bigEndian(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}
