import typer

from cli.commands.bench import baskets, candidates, sequences

app = typer.Typer(help="Measure how good the product's answers are.", no_args_is_help=True, rich_markup_mode=None)
app.command("candidates")(candidates.candidates)
app.command("baskets")(baskets.baskets)
app.command("sequences")(sequences.sequences)
