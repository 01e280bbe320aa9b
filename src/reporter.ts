import { GoldenLogitsReporter } from './reporters/reporter.js'

export type { ReporterOptions } from './reporters/options.js'
export default GoldenLogitsReporter
