"""The knowledge of 悦悦 as it is kept, edited, exchanged and answered from."""
