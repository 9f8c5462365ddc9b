/** What a PromQL expression asks for, by the parser that Prometheus' own web pages use. */
import { parser } from "@prometheus-io/lezer-promql"

export interface Query {
  /** Where the parser could not go on, as text; empty for a valid expression. */
  readonly errors: ReadonlyArray<string>
  /** Names of metrics. */
  readonly metrics: ReadonlyArray<string>
  /** Names of labels that it selects or groups by. */
  readonly labels: ReadonlyArray<string>
}

/** Grafana's variables stand for durations, which the parser has to see. */
const plain = (expression: string): string => expression.replaceAll("$__rate_interval", "5m")

export const readQuery = (expression: string): Query => {
  const text = plain(expression)
  const found = { errors: new Set<string>(), metrics: new Set<string>(), labels: new Set<string>() }
  parser.parse(text).iterate({
    enter: ({ name, from, to, type }) => {
      const part = text.slice(from, to)
      if (type.isError) found.errors.add(text.slice(Math.max(0, from - 10), to + 10))
      else if (name === "Identifier") found.metrics.add(part)
      else if (name === "LabelName") found.labels.add(part)
    }
  })
  return { errors: [...found.errors], metrics: [...found.metrics], labels: [...found.labels] }
}
