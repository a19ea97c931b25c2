"""What both rooms of the lowest floor say alike: words that rules and numbers share."""
