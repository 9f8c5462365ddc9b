import { defineConfig } from "vitest/config"
import { FinalLine } from "./test/lab/suite/FinalLine.ts"

/** Live tests make links in the one kernel there is, so their files run one after another, apart from everything else. */
const live = "test/**/*.live.test.ts"

export default defineConfig({
  test: {
    reporters: ["default", new FinalLine()],
    globalSetup: ["test/lab/suite/mounts.ts", "test/lab/suite/build.ts", "test/lab/suite/agent.ts"],
    teardownTimeout: 5_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [live],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: "live",
          include: [live],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
