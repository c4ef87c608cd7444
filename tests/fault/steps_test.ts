// box engine registry
import { FaultWorld, type Pictures } from "./fault_world.ts";
import { recipes } from "./releases.ts";
import { type Row, rows, sampleRows, stories } from "./table.ts";

Deno.test("an app gets where Studio wants it whatever goes wrong at whatever step", async (t) => {
  await using world = await FaultWorld.start(recipes);
  const chosen = chooseRows();
  const pictures = new Map<string, Pictures>();
  for (const story of stories.filter((each) => chosen.some((row) => row.story === each))) {
    await t.step(`${story.name}, and nothing goes wrong`, async () => {
      pictures.set(story.name, await world.play(story));
    });
  }
  for (const row of chosen) {
    await t.step(row.name, async () => {
      const known = pictures.get(row.story.name);
      if (known === undefined) throw new Error("The story goes wrong by itself");
      try {
        await world.strike(row, known);
      } catch (error) {
        throw new Error(`${error}\n${await world.readLog()}`);
      }
    });
  }
});

/** A sample, unless `REAGENT_FAULTS` is `all` or a part of names of rows. */
function chooseRows(): readonly Row[] {
  const wish = Deno.env.get("REAGENT_FAULTS");
  if (!wish) return sampleRows();
  return wish === "all" ? rows : rows.filter((row) => row.name.includes(wish));
}
