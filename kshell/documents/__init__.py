"""Update and check the generated blocks of Markdown documents."""
