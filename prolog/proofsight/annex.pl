:- module(proofsight_annex,
          [ read_annexes/4              % +Directory, -Annexes, -Lines, -Findings
          ]).
:- use_module(library(assoc), [empty_assoc/1, get_assoc/3, put_assoc/4]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(annex_words,
              [annex_fact/2, annex_identity/3, annex_opening/2]).
:- use_module(source,
              [ argument/3, read_clause/2, read_text/2, start/2, syntax_text/2,
                text_lines/2
              ]).

:- det(read_annexes/4).

/** <module> Facts beside the program

The files `circuits/NAME.pl` and `interactions/NAME.pl` of a revision are
facts of annex_words.pl and nothing else.  They are read as terms, like the program's
own, and are no part of it.
*/

%!  read_annexes(+Directory, -Annexes, -Lines, -Findings) is det.
%
%   Annexes are annex(File, Facts) of the files in Directory, by name; File
%   is `circuits/conv3_c12.pl`.  Lines are File-Lines of those that have
%   findings, for line_column/4; Findings are finding(error, Code, File,
%   Offset, Slots), as in program.pl.

read_annexes(Directory, Annexes, Lines, Findings) :-
    findall(Room-File, annex_file(Directory, Room, File), Files),
    empty_assoc(Known),
    read_annexes(Files, Directory, Known, Annexes, Lines, Findings).

annex_file(Directory, Room, File) :-
    setof(Room0, Template^annex_fact(Room0, Template), Rooms),
    member(Room, Rooms),
    atomic_list_concat([Directory, Room], /, Path),
    exists_directory(Path),
    directory_files(Path, Entries0),
    msort(Entries0, Entries),
    member(Entry, Entries),
    \+ sub_atom(Entry, 0, _, _, '.'),
    file_name_extension(_, pl, Entry),
    atomic_list_concat([Room, Entry], /, File).

read_annexes([], _, _, Annexes, Lines, Findings) =>
    Annexes = [],
    Lines = [],
    Findings = [].
read_annexes([Room-File|Files], Directory, Known0, Annexes, Lines, Findings) =>
    atomic_list_concat([Directory, File], /, Path),
    read_text(Path, Text),
    setup_call_cleanup(
        open_string(Text, In),
        read_facts(In, Room, File, Known0, Known, Facts, Findings0),
        close(In)),
    Annexes = [annex(File, Facts)|Annexes1],
    (   Findings0 == []
    ->  Lines = Lines1
    ;   text_lines(Text, Lines0),
        Lines = [File-Lines0|Lines1]
    ),
    read_annexes(Files, Directory, Known, Annexes1, Lines1, Findings1),
    append(Findings0, Findings1, Findings).

%   read_facts(+In, +Room, +File, +Known0, -Known, -Facts, -Findings): Known is
%   an assoc of the identities that are declared, each with its file.

read_facts(In, Room, File, Known0, Known, Facts, Findings) :-
    read_clause(In, Clause),
    (   Clause == end_of_file
    ->  Known = Known0,
        Facts = [],
        Findings = []
    ;   catch(fact(Clause, Room, File, Known0, Known1, Fact),
              malformed(Code, Slots, Offset),
              true),
        (   nonvar(Code)
        ->  Findings = [finding(error, Code, File, Offset, Slots)|Findings1],
            read_facts(In, Room, File, Known0, Known, Facts, Findings1)
        ;   Facts = [Fact|Facts1],
            read_facts(In, Room, File, Known1, Known, Facts1, Findings)
        )
    ).

fact(syntax_error(What, Offset), _, _, _, _, _) =>
    syntax_text(What, Text),
    throw(malformed(syntax_error, [problem=Text], Offset)).
fact(read((:- Directive), Position, _), _, _, _, _, _) =>
    malformed(directive, Position, [clause=(:- Directive)]).
fact(read((?- Directive), Position, _), _, _, _, _, _) =>
    malformed(directive, Position, [clause=(?- Directive)]).
fact(read(Term, Position, _), Room, File, Known0, Known, Fact) =>
    (   compound(Term),
        compound_name_arity(Term, Name, Arity),
        functor(Template, Name, Arity),
        annex_fact(Room, Template)
    ->  arguments(1, Arity, Template, Term, Position),
        opened(Term, Room, File, Position, Known0, Known),
        Fact = Term
    ;   malformed(unknown_clause, Position, [file=File, clause=Term])
    ).

arguments(N, Arity, Template, Term, Position) :-
    (   N > Arity
    ->  true
    ;   arg(N, Template, Type),
        arg(N, Term, Value),
        (   has_type(Type, Value)
        ->  N1 is N + 1,
            arguments(N1, Arity, Template, Term, Position)
        ;   argument(N, Position, At),
            format(string(Expected), '~w', [Type]),
            malformed(bad_argument, At, [value=Value, type=Expected])
        )
    ).

has_type(atom, Value) => atom(Value).
has_type(index, Value) => integer(Value), Value >= 0.
has_type(count, Value) => integer(Value), Value >= 1.
has_type(integer, Value) => integer(Value).
has_type(number, Value) => number(Value).
has_type(fraction, Value) => number(Value), Value > 0, Value =< 1.
has_type(text, Value) => ( atom(Value) -> true ; string(Value) ).
has_type(ground, Value) => ground(Value).
has_type(one_of(Values), Value) => atomic(Value), memberchk(Value, Values).
has_type(list(Type), Value) =>
    is_list(Value),
    forall(member(Element, Value), has_type(Type, Element)).

opened(Term, Room, File, Position, Known0, Known) :-
    (   annex_opening(Room, Opening)
    ->  annex_identity(Room, Term, Id),
        (   subsumes_term(Opening, Term)
        ->  (   get_assoc(Id, Known0, Other)
            ->  malformed(declared_elsewhere, Position, [name=Id, file=Other])
            ;   put_assoc(Id, Known0, File, Known)
            )
        ;   get_assoc(Id, Known0, File)
        ->  Known = Known0
        ;   functor(Opening, Name, Arity),
            malformed(undeclared_id, Position, [name=Id, clause=Name/Arity])
        )
    ;   Known = Known0
    ).

malformed(Code, Position, Slots0) :-
    start(Position, Offset),
    findall(Key=Text,
            ( member(Key=Value, Slots0),
              (   memberchk(Key, [file, name, type])
              ->  Text = Value
              ;   format(string(Text), '~W',
                         [Value, [quoted(true), max_depth(12)]])
              )
            ),
            Slots),
    throw(malformed(Code, Slots, Offset)).
