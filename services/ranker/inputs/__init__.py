"""What the models and the linear scorer read: columns of all items, a user as columns, and the tensors made of both."""
