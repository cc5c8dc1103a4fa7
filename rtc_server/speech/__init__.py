"""Speech: what a taxpayer says becomes words in the input, and what 悦悦 answers is read out. See docs/voice.md."""
