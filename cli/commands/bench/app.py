import typer

from cli.commands.bench import candidates

app = typer.Typer(help="Measure how good the product's answers are.", no_args_is_help=True, rich_markup_mode=None)
app.command("candidates")(candidates.candidates)
