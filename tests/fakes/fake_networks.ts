/** The networks of a fake engine. */

/** Networks by id, each with its labels. */
export class FakeNetworks {
  readonly networks = new Map<string, Readonly<Record<string, string>>>();

  networksWith(labels: Readonly<Record<string, string>>, _signal: AbortSignal): Promise<string[]> {
    const found = [...this.networks].filter(([, own]) => {
      return Object.entries(labels).every(([name, value]) => own[name] === value);
    });
    return Promise.resolve(found.map(([id]) => id));
  }

  removeNetwork(id: string, _signal: AbortSignal): Promise<void> {
    this.networks.delete(id);
    return Promise.resolve();
  }
}
