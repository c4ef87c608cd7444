// box engine registry
import { FaultWorld, type Pictures } from "./fault_world.ts";
import { recipes } from "./releases.ts";
import { type FullDiskRow, fullDiskRows, type Row, rows, sampleRows, stories, type Story } from "./table.ts";

Deno.test("an app gets where Studio wants it whatever goes wrong at whatever step", async (t) => {
  await using world = await FaultWorld.start(recipes);
  const chosen = chooseRows();
  const onFullDisk = chooseFullDiskRows();
  const pictures = new Map<string, Pictures>();
  for (const story of stories.filter((each) => [...chosen, ...onFullDisk].some((row) => row.story === each))) {
    await t.step(`${story.name}, and nothing goes wrong`, async () => {
      pictures.set(story.name, await world.play(story));
    });
  }
  const play = (row: { name: string; story: Story }, work: (known: Pictures) => Promise<void>) => {
    return t.step(row.name, async () => {
      const known = pictures.get(row.story.name);
      if (known === undefined) throw new Error("The story goes wrong by itself");
      try {
        await work(known);
      } catch (error) {
        throw new Error(`${error}\n${await world.readLog()}`);
      }
    });
  };
  for (const row of chosen) await play(row, (known) => world.strike(row, known));
  for (const row of onFullDisk) await play(row, (known) => world.askOnFullDisk(row, known));
});

/** A sample, unless `REAGENT_FAULTS` is `all` or a part of names of rows. */
function chooseRows(): readonly Row[] {
  const wish = Deno.env.get("REAGENT_FAULTS");
  if (!wish) return sampleRows();
  return wish === "all" ? rows : rows.filter((row) => row.name.includes(wish));
}

/** A stop and a removal, one of them with a kill; all with `all`, or what has a part of the name. */
function chooseFullDiskRows(): readonly FullDiskRow[] {
  const wish = Deno.env.get("REAGENT_FAULTS");
  if (!wish) {
    return fullDiskRows.filter(({ story: { name }, isKilled }) => {
      return isKilled ? name === "an app is removed" : name === "an app is stopped";
    });
  }
  return wish === "all" ? fullDiskRows : fullDiskRows.filter((row) => row.name.includes(wish));
}
