:- module(proofsight_source,
          [ read_source/4,              % +File, :Read, -Items, -Lines
            read_text/2,                % +File, -Text
            read_clause/2,              % +Stream, -Clause
            text_lines/2,               % +Text, -Lines
            read_facts/2,               % +Stream, -Facts
            read_goal/4,                % +Text, -Goal, -Position, -Names
            syntax_text/2,              % +What, -Text
            line_column/4,              % +Lines, +Offset, -Line, -Column
            argument/3,                 % +N, +Position, -Argument
            elements/2,                 % +Position, -Elements
            start/2                     % +Position, -Offset
          ]).
:- use_module(library(lists), [nth1/3]).

:- meta_predicate
    read_source(+, 2, -, -).

:- det(read_source/4).
:- det(read_text/2).
:- det(read_clause/2).
:- det(text_lines/2).
:- det(read_facts/2).
:- det(read_goal/4).
:- det(syntax_text/2).
:- det(line_column/4).
:- det(argument/3).
:- det(elements/2).
:- det(start/2).

/** <module> Prolog text as terms with positions

Text is only ever read, never consulted: no directive runs, nothing is
expanded, and operators are those of the system, whatever was declared
elsewhere.
*/

:- set_module(proofsight_syntax:base(system)).

syntax([ module(proofsight_syntax),
         syntax_errors(error),
         double_quotes(string),
         back_quotes(codes),
         cycles(false),
         var_prefix(false),
         quasi_quotations(_)
       ]).

%!  read_source(+File, :Read, -Items, -Lines) is det.
%
%   Items are what call(Read, Clause, Item) makes of each clause of the UTF-8
%   text in File, read(Term, Position, Names) or syntax_error(What, Offset):
%   Position as by the option `subterm_positions` of read_term/2, Names its
%   variables.  After a syntax error reading goes on.  Clauses are let go one
%   by one, since positions take twice the room of the terms.  Lines serves
%   line_column/4.

read_source(File, Read, Items, Lines) :-
    read_text(File, Text),
    setup_call_cleanup(
        open_string(Text, Terms),
        read_items(Terms, Read, Items),
        close(Terms)),
    text_lines(Text, Lines).

read_items(In, Read, Items) :-
    read_clause(In, Clause),
    (   Clause == end_of_file
    ->  Items = []
    ;   call(Read, Clause, Item),
        Items = [Item|Items1],
        read_items(In, Read, Items1)
    ).

%!  read_text(+File, -Text:string) is det.
%
%   Text is what File holds, in UTF-8.

read_text(File, Text) :-
    setup_call_cleanup(
        open(File, read, In, [encoding(utf8), bom(true)]),
        read_string(In, _, Text),
        close(In)).

%!  read_clause(+Stream, -Clause) is det.
%
%   Clause is the next of Stream, one opened by open_string/2: read(Term,
%   Position, Names) or syntax_error(What, Offset), both as in read_source/4,
%   or end_of_file.

read_clause(In, Clause) :-
    syntax(Syntax),
    catch(read_term(In, Term,
                    [ subterm_positions(Position),
                      variable_names(Names)
                    | Syntax
                    ]),
          error(syntax_error(What), stream(_, _, _, Offset)),
          true),
    (   nonvar(What)
    ->  Clause = syntax_error(What, Offset)
    ;   Term == end_of_file
    ->  Clause = end_of_file
    ;   Clause = read(Term, Position, Names)
    ).

%!  text_lines(+Text, -Lines) is det.
%
%   Lines serves line_column/4.

text_lines(Text, Lines) :-
    split_string(Text, "\n", "", Parts),
    line_starts(Parts, 0, Starts),
    compound_name_arguments(Lines, lines, Starts).

%   Not code by code, which would take fifty times the memory of the text.

line_starts([], _, Starts) =>
    Starts = [].
line_starts([Part|Parts], Offset0, Starts) =>
    Starts = [Offset0|Starts1],
    string_length(Part, Length),
    Offset is Offset0 + Length + 1,
    line_starts(Parts, Offset, Starts1).

%!  syntax_text(+What, -Text:string) is det.
%
%   Text is a syntax error in words: operator_expected becomes "operator
%   expected".

syntax_text(What, Text) :-
    format(string(Written), '~w', [What]),
    split_string(Written, "_", "", Words),
    atomic_list_concat(Words, ' ', Joined),
    atom_string(Joined, Text).

%!  line_column(+Lines, +Offset, -Line, -Column) is det.
%
%   Line and Column, from 1, of the character at Offset, from 0.

line_column(Lines, Offset, Line, Column) :-
    functor(Lines, _, Last),
    last_start(1, Last, Lines, Offset, Line),
    arg(Line, Lines, Start),
    Column is Offset - Start + 1.

last_start(Low, High, Lines, Offset, Line) :-
    (   Low =:= High
    ->  Line = Low
    ;   Middle is (Low + High + 1) // 2,
        arg(Middle, Lines, Start),
        (   Start =< Offset
        ->  last_start(Middle, High, Lines, Offset, Line)
        ;   Before is Middle - 1,
            last_start(Low, Before, Lines, Offset, Line)
        )
    ).

%!  read_facts(+Stream, -Facts) is det.
%
%   Facts are the terms of Stream.
%
%   @throws error(syntax_error(What), Where)

read_facts(In, Facts) :-
    syntax(Syntax),
    read_term(In, Term, Syntax),
    (   Term == end_of_file
    ->  Facts = []
    ;   Facts = [Term|Facts1],
        read_facts(In, Facts1)
    ).

%!  read_goal(+Text, -Goal, -Position, -Names) is det.
%
%   Goal is the one term that Text holds, with or without a full stop.
%
%   @throws bad_text(What, Offset) where there is none, or more than one.

read_goal(Text, Goal, Position, Names) :-
    string_concat(Text, "\n.", Closed),
    syntax(Syntax),
    catch(setup_call_cleanup(
              open_string(Closed, In),
              ( read_term(In, Goal,
                          [ subterm_positions(Position),
                            variable_names(Names)
                          | Syntax
                          ]),
                character_count(In, End),
                rest(In, Rest)
              ),
              close(In)),
          error(syntax_error(What), stream(_, _, _, Offset)),
          throw(bad_text(What, Offset))),
    (   memberchk(Rest, ["", "."])
    ->  true
    ;   throw(bad_text(end_of_clause_expected, End))
    ).

rest(In, Rest) :-
    read_string(In, _, Text),
    split_string(Text, "", " \t\r\n", [Rest]).

%!  argument(+N, +Position, -Argument) is det.
%
%   Argument is the position of the N-th argument of the term at Position or,
%   where it does not stand there, Position.

argument(N, parentheses_term_position(_, _, Inner), Argument) =>
    argument(N, Inner, Argument).
argument(N, term_position(_, _, _, _, Arguments), Argument),
  nth1(N, Arguments, Found) =>
    Argument = Found.
argument(_, Position, Argument) =>
    Argument = Position.

%!  elements(+Position, -Elements) is det.
%
%   Elements are the positions of the elements of the list at Position.

elements(parentheses_term_position(_, _, Inner), Elements) =>
    elements(Inner, Elements).
elements(list_position(_, _, Positions, _), Elements) =>
    Elements = Positions.
elements(_, Elements) =>
    Elements = [].

%!  start(+Position, -Offset) is det.

start(Position, Offset) :-
    (   Position = Start-_
    ->  Offset = Start
    ;   arg(1, Position, Offset)
    ).
