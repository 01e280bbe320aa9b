import { WasmKernel } from '../../src/metrics/wasm/wasm-kernel.js'
import { kernelConformance } from '../conformance/kernel.js'

kernelConformance('wasm', () => new WasmKernel())
