:- module(written_revision,
          [ with_revision/2,            % +Files, :Goal
            revision_path/2,            % +Name, -Directory
            quantiser/1                 % -Text
          ]).
:- use_module(library(filesex),
              [ delete_directory_and_contents/1, directory_file_path/3,
                make_directory_path/1
              ]).
:- use_module(library(lists), [member/2]).

:- meta_predicate with_revision(+, 1).

/** <module> Revisions for tests
*/

:- dynamic here/1.
:- prolog_load_context(directory, Directory),
   assertz(here(Directory)).

%!  revision_path(+Name, -Directory) is det.
%
%   Directory is that of a revision in tests/prolog/revisions.

revision_path(Name, Directory) :-
    here(Here),
    atomic_list_concat([Here, revisions, Name], /, Directory).

%!  with_revision(+Files, :Goal) is semidet.
%
%   Calls Goal once with a directory that holds Files, a list of Name=Text;
%   `quantiser.pl` is quantiser/1's where it is not among them.

with_revision(Files, Goal) :-
    tmp_file(revision, Directory),
    make_directory(Directory),
    quantiser(Quantiser),
    (   memberchk('quantiser.pl'=_, Files)
    ->  All = Files
    ;   All = ['quantiser.pl'=Quantiser|Files]
    ),
    forall(member(Name=Text, All),
           ( directory_file_path(Directory, Name, File),
             file_directory_name(File, Parent),
             make_directory_path(Parent),
             setup_call_cleanup(
                 open(File, write, Out, [encoding(utf8)]),
                 write(Out, Text),
                 close(Out))
           )),
    call_cleanup(once(call(Goal, Directory)),
                 delete_directory_and_contents(Directory)).

%!  quantiser(-Text) is det.
%
%   Two layers: a to e are observed in `low`, e_high being e's feature with a
%   higher threshold; f and g in `high`, and h is derived.

quantiser("layer(low, 'features.0', conv, 8).
layer(high, 'features.3', conv, 8).
proposition(a, channel(low, 0, l1), 0.5).
proposition(b, channel(low, 1, l1), 0.5).
proposition(c, channel(low, 2, l1), 0.5).
proposition(d, channel(low, 3, l1), 0.5).
proposition(e, channel(low, 4, l1), 0.5).
proposition(e_high, channel(low, 4, l1), 0.75).
proposition(f, channel(high, 0, l1), 0.5).
proposition(g, channel(high, 1, l1), 0.5).
proposition(h, derived(high), none).
").
