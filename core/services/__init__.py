"""Use cases: a command in, a result out; each checks the actor's permission itself."""
