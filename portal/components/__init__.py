"""What pages draw with: charts, tables, cards and the desk they sit at. No SQL, no statistics."""
