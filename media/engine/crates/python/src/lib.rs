//! PyO3 glue: the module `media._engine`.
