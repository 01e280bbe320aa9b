import type { AnswerRow } from '../formats/log-prob-json/index.js'
import type { Budgets } from '../io/budgets.js'
import type { List } from '../lib/lazy-list.js'
import type { Note } from '../lib/note.js'
import type { MemoryTensor } from '../tensor/memory-tensor.js'
import type { IdFacts, IdLists } from './token-ids.js'

/** A row of log-probabilities in an answer of a server. */
export interface ListedStep {
  readonly row: AnswerRow
  /** By how much the values of the answer may differ from those that were computed, in nats. */
  readonly rounding: number
}

/**
 * One step of a dump: the files that hold its logits, not yet opened. Several files are the ranks of a tensor-parallel
 * run in numeric device order; whether they are copies or parts of the vocabulary shows only against the other side.
 */
export interface DumpStep {
  /** Position in the generated sequence; 0 is the token that the prefill produced. */
  readonly step: number
  readonly files: readonly string[]
  /** The tensor that holds its logits, if they are in memory: they come from no file, or from one that is read as a whole. */
  readonly tensor?: MemoryTensor
  /** What the answer of a server lists at its position. */
  readonly listed?: ListedStep
  /** The layer that emitted the logits, e.g. `root.lm_head` or `67_LmHead`; `''` for a bare file. */
  readonly layer: string
  /** Why the step cannot be read though the dump holds a place for it. */
  readonly problem?: string
  /** Which position of the tensor this is, from 0; absent if the options of the dump choose the position. */
  readonly position?: number
}

/**
 * What the rows of a dump hold. KL divergence and top-1 follow from all of them; from log-probabilities neither the cosine
 * similarity nor the errors of logits do. `known-ids`: the log-probabilities of some vocab ids, which bound the KL divergence
 * from below.
 */
export type DumpKind = 'logits' | 'log-probabilities' | 'known-ids'

/** The text that a run was fed, if the dump holds it. */
export interface DumpText {
  /** The tokens, chunk after chunk. */
  readonly tokens: Int32Array
  /** The tokens that were evaluated together. */
  readonly chunkLength: number
}

/** What several ranks hold: parts of one vocabulary, in numeric device order, or copies of the same row, equal byte for byte. */
export type RankReading = 'split' | 'copies'

export interface IgnoredPath {
  readonly path: string
  readonly reason: string
}

/** One of several runs under one path, such as the prompts of a suite. */
export interface DumpRun {
  /** The name of its folder or files, by which the two sides are paired. */
  readonly name: string
  readonly dump: Dump
}

/** A run's logits, listed but not read: `loadDump` opens no tensor. */
export interface Dump {
  /** As the caller wrote it. */
  readonly path: string
  readonly layout:
    | 'torch'
    | 'atb'
    | 'msprobe'
    | 'sglang'
    | 'transformers'
    | 'flat'
    | 'kld'
    | 'llama-debug'
    | 'answers'
    | 'maxtext'
    | 'file'
    | 'memory'
  /** Absent for logits. */
  readonly kind?: DumpKind
  /** The caller gave the kind, and it is this one. */
  readonly isKindGiven?: boolean
  /** Both runs were fed this text, not the tokens that they chose: no token follows a divergence. */
  readonly text?: DumpText
  /** What the path named: one file by its whole name, or a folder or pattern that stands for a dump. */
  readonly named: 'file' | 'folder'
  /** Sorted by `step`, no step twice. Items are made when they are asked for; `[...dump.steps]` is an array of them. */
  readonly steps: List<DumpStep>
  /** What was guessed (a `warning`, which names the option that confirms it) or chosen (an `info`), one line each. */
  readonly notes: readonly Note[]
  /** Files and folders of the dump that are not compared, each with its reason. */
  readonly ignored: List<IgnoredPath>
  /** True if the step numbers rest on an assumption, which the option `firstStep` replaces. */
  readonly stepsAssumed: boolean
  /** The step whose tensor may hold a prompt, which ends with the step's row: the first, if it is known to be the prefill. */
  readonly promptStep?: number
  /** What the option `ranks` says of the files of each step, if there are several. */
  readonly ranks?: RankReading
  /** Token ids that were saved with the logits, by name (`prompt_input_ids`). */
  readonly tokenIds?: IdLists
  /** What they say of the rows. */
  readonly ids?: IdFacts
  readonly budgets: Partial<Budgets>
  /** Which numbers of a file are the logits, as far as the caller said so. */
  readonly rows?: Pick<LoadDumpOptions, 'tensor' | 'positions' | 'sequence'>
  /** With the option `run: 'all'` every run under the path; `steps` then has the steps of one run after the other. */
  readonly runs?: readonly DumpRun[]
}

export interface LoadDumpOptions {
  /**
   * The run to load if the path contains several: the name of its `msit_dump_*` folder or of its device folder
   * (`0_1445461`), its process id, or `latest` for the newest timestamp. In a flat folder: the name of a case
   * (`logits_gsm8k_12`). `all` takes every case, prompt or sample under the path: they are compared as one, with the run
   * named in each token. The other side must be loaded the same way.
   */
  run?: string
  /** The folder name of the layer that emits the logits (`root.lm_head`, `67_LmHead`), if the names do not show it. */
  layer?: string
  /** The step of the run's first execution (after any warm-up), if the dump does not begin at step 0. */
  firstStep?: number
  /** The name of the tensor that holds the logits, if a file holds several and none is named `logits`. */
  tensor?: string
  /**
   * Which position counts if a tensor holds several that are no prompt: the last one, or its number from 0. With `all` every
   * position of every step is compared, also of a prompt, and is a separate token; the other side must hold as many.
   * `steps` says that one file holds a run: each position of its tensor, or each tensor of a tuple or dict, is a step.
   */
  positions?: 'last' | 'all' | 'steps' | number
  /** Which sequence of a batch counts, from 0. */
  sequence?: number
  /**
   * The execution (ATB) or forward pass (SGLang's dumper) at which the run starts: its number, or `'last'` for the last prefill. That is
   * what is taken without the option; the option confirms it, so that it is no longer a guess.
   */
  prefill?: 'last' | number
  /**
   * What the ranks of the run hold: parts of one vocabulary (`split`), or the same row each (`copies`: they must be equal
   * byte for byte). A number takes one rank alone: its index in numeric device order, from 0.
   */
  ranks?: RankReading | number
  /**
   * What the rows must hold, or the dump is refused: `logits`, `log-probabilities` of every vocab id, or of some
   * (`known-ids`), which confirms that not all of a fault can be seen.
   */
  kind?: DumpKind
  /** Budgets of the file readers. */
  budgets?: Partial<Budgets>
}
