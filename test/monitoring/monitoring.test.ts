/** The dashboard and the rules are valid, and say what to do. */
import { assert, describe, it } from "vitest"
import { alerts, dashboard, panels, rules } from "./asked.ts"
import { readQuery } from "./promql.ts"

describe("monitoring", () => {
  it("has a dashboard and rules at all", () => {
    assert.isAbove(panels.length, 12)
    assert.isAtLeast(alerts.length, 4)
    assert.deepStrictEqual(
      new Set(dashboard.panels.map(({ id }: { readonly id: number }) => id)).size,
      dashboard.panels.length
    )
  })

  it.each([...panels, ...alerts])("asks in words that Prometheus understands: $where", ({ expression }) => {
    const { errors, metrics } = readQuery(expression)
    assert.deepStrictEqual(errors, [])
    assert.isNotEmpty(metrics)
  })

  it("says in every alert what is so and what to do", () => {
    for (const { rules: of } of rules.groups) {
      for (const { alert, labels, annotations } of of) {
        assert.include(["warning", "critical"], labels.severity, alert)
        assert.isAbove(annotations.summary.length, 20, alert)
        assert.isAbove(annotations.description.length, 40, alert)
      }
    }
  })
})
