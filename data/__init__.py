"""What lies beside the product: the demo."""
