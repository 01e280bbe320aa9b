// biome-ignore-all lint/suspicious/noConfusingVoidType: matchers return void
import { loadDump } from 'golden-logits'
import 'golden-logits/jest'

// quick
