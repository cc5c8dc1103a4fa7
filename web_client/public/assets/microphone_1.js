// Runs on the audio thread (Web Audio API §1.32): hands what the microphone gives to the page, 2,048 samples at a time.
// The number in the name changes with the content: browsers keep assets for a year.
registerProcessor(
  'microphone',
  class extends AudioWorkletProcessor {
    block = new Float32Array(2048);
    filled = 0;

    process([input]) {
      const channel = input?.[0];
      if (channel === undefined) return true;
      for (const sample of channel) {
        this.block[this.filled++] = sample;
        if (this.filled < this.block.length) continue;
        this.port.postMessage(this.block);
        this.block = new Float32Array(this.block.length);
        this.filled = 0;
      }
      return true;
    }
  },
);
