import { rowKernel } from '../../metrics/row-kernel.js'
import type { Outcome } from '../outcome.js'
import type { Batch } from './batch.js'
import { pairWorker } from './pair-worker.js'
import { serve } from './serve.js'

// The program of a worker thread that measures pairs of rows in files.
serve<Batch, Outcome>((batch) => pairWorker(batch, rowKernel()))
