import { createWasmKernel } from '../../src/metrics/wasm/wasm-kernel.js'
import { kernelConformance } from '../conformance/kernel.js'

kernelConformance('wasm', createWasmKernel)
