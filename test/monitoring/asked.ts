/** What the dashboard and the rules ask Prometheus. */
import { readFileSync } from "node:fs"
import { parse } from "yaml"

export interface Asked {
  readonly where: string
  readonly expression: string
}

export const dashboard = JSON.parse(readFileSync("deploy/monitoring/dashboard.json", "utf8"))
export const rules = parse(readFileSync("deploy/monitoring/rules.yaml", "utf8"))

export const panels: ReadonlyArray<Asked> = dashboard.panels.flatMap(
  ({ title, targets }: { readonly title: string; readonly targets: ReadonlyArray<{ readonly expr: string }> }) =>
    targets.map(({ expr }) => ({ where: `panel "${title}"`, expression: expr }))
)

export const alerts: ReadonlyArray<Asked> = rules.groups.flatMap(
  ({ rules: of }: { readonly rules: ReadonlyArray<{ readonly alert: string; readonly expr: string }> }) =>
    of.map(({ alert, expr }) => ({ where: `alert ${alert}`, expression: expr }))
)
