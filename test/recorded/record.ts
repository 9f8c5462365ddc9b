/**
 * Records the answers of an executable anew: sh scripts/node test/recorded/record.ts [dist/macvtap]
 * Whoever records anew says what the executable answers now is right; `changes.ts` is empty then.
 */
import { writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { recordFile } from "./answers.ts"
import { replay } from "./replay.ts"

const answers = await replay(resolve(process.argv[2] ?? "dist/macvtap"))
writeFileSync(recordFile, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""))
console.log(`${answers.length} answers in ${recordFile}`)
