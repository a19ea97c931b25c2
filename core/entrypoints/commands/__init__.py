"""The commands of `governance`, by what they are about."""
