"""What is measured beside the rows. Each part is a module with

    NAME, ABOUT                     as the command line lists it
    run(bench, progress)            measures; its result can be written as JSON
    as_text(result)                 what is printed
    shortfalls(result)              what is not as it is to be: the command fails
    write_charts(name, result)      files whose names begin with `name`
"""

from . import calls, growth, instructions, micro, soak

PARTS = [calls, growth, micro, instructions, soak]
