import { TypescriptKernel } from '../../src/metrics/typescript-kernel.js'
import { kernelConformance } from '../conformance/kernel.js'

kernelConformance('typescript', () => new TypescriptKernel())
