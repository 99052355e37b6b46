"""The gate, versions and labels of the model, and where what was trained is put."""
