"""Which test says what is expected of which bad input: every one on the project's list has a test that exists.

The list is kept in the order in which inputs are tried: what reaches elsewhere, what exhausts or breaks, geometries,
Chinese tables, coordinates, output and privacy, the store.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES, BAD_FILES, BAD_DATA = "test_readers_files", "test_bad_inputs_files", "test_bad_inputs_data"
IMPORTS, DATUM, EXPORT, STORE = (
    "test_readers_imports",
    "test_readers_datum",
    "test_store_export",
    "test_bad_inputs_store",
)
REACH = "test_texts_that_reach_for_other_files_or_the_network_are_refused"

EXPECTED = {
    "VRT named .geojson": (FILES, REACH),
    "VRT with SrcSQL": (FILES, REACH),
    "GDALG pipeline": (FILES, REACH),
    "VRT to /vsicurl/, no request": (FILES, REACH),
    "bytes instead of a file": (FILES, "test_a_table_in_memory_is_not_a_file"),
    "VRT inside a zip": (FILES, REACH),
    "/vsis3/, PG:, MySQL: strings": (FILES, REACH),
    "WFS, WMS, GeoRSS stubs": (FILES, REACH),
    "OAPIF stub, GML": (BAD_FILES, "test_other_descriptions_of_places_are_refused_by_what_they_are"),
    "KML NetworkLink": (BAD_FILES, "test_a_link_in_a_kml_is_left_alone_and_remarked_on"),
    "pickle, graphml": (FILES, "test_pickle_and_graphml_are_never_read"),
    "zip outside its folder": (FILES, "test_zips_that_are_traps_are_refused_before_anything_is_unpacked"),
    "where= and sql=": (BAD_FILES, "test_no_reader_takes_a_query_or_an_open_option"),
    "SQL as a layer's name": (BAD_FILES, "test_a_layer_is_only_a_name_and_never_a_query"),
    "GeoPackage with trigger and view": (
        BAD_FILES, "test_rows_of_a_geopackage_with_triggers_and_views_come_in_and_nothing_of_it_runs"
    ),
    "endless view": (FILES, "test_endless_views_in_a_geopackage_are_not_read"),
    "zip bombs": (BAD_FILES, "test_a_zip_that_says_it_unpacks_to_too_much_is_refused_before_unpacking"),
    "nested WKB, GeoParquet": (BAD_FILES, "test_deeply_nested_wkb_breaks_at_most_the_child"),
    "nested WKT in CSV": (BAD_FILES, "test_nested_or_broken_wkt_in_a_table_is_named_with_its_row"),
    "nested GeoJSON": (FILES, "test_nested_geometries_break_at_most_the_child"),
    "billion laughs, XXE": (BAD_FILES, "test_entities_of_every_xml_are_refused_by_their_name"),
    "10M vertices": (BAD_FILES, "test_a_polygon_of_ten_million_vertices_names_the_limit"),
    "too many parts": (BAD_FILES, "test_a_multipolygon_of_a_million_parts_names_the_limit"),
    "100k holes": (BAD_FILES, "test_a_polygon_of_a_hundred_thousand_holes_names_the_limit"),
    "truncated gpkg, shp": (FILES, "test_a_file_cut_short_is_refused_or_whole"),
    "truncated xlsx, zip": (BAD_FILES, "test_a_zip_or_workbook_cut_short_is_refused"),
    "byte flips": ("test_bad_inputs_mutations", "test_changed_bytes_end_in_a_sentence_or_in_all_rows"),
    "bow-tie, line as boundary": (IMPORTS, "test_a_bow_tie_is_repaired_with_its_areas_and_a_line_is_no_district"),
    "hole outside, self-touching ring": (
        BAD_DATA, "test_an_area_that_is_not_valid_is_repaired_with_both_areas_listed"
    ),
    "zero-length segments": (BAD_DATA, "test_a_point_twice_in_a_line_is_harmless_and_a_line_without_length_is_named"),
    "empty and NULL geometry": (BAD_DATA, "test_missing_and_empty_geometries_are_named_row_by_row"),
    "NaN and Inf": (BAD_DATA, "test_coordinates_that_are_no_numbers_are_named_in_a_shapefile_too"),
    "overlapping units, slivers": (
        BAD_DATA, "test_units_that_overlap_or_leave_slivers_are_remarked_on_with_their_areas"
    ),
    "islands, crossings": (IMPORTS, "test_faults_of_the_network_are_named"),
    "edge shorter than its chord": ("test_engine_inputs", "test_what_is_wrong_in_a_layer_is_named_row_by_row"),
    "far household, station outside": (
        BAD_DATA, "test_network_faults_a_far_household_and_a_station_outside_are_in_the_report"
    ),
    "two stations on one point": (BAD_DATA, "test_two_stations_on_one_point_are_both_kept_and_remarked_on"),
    "GBK without .cpg": (BAD_DATA, "test_a_gbk_shapefile_without_a_code_page_comes_in_with_nothing_lost"),
    "wrong LDID": (BAD_DATA, "test_a_wrong_language_mark_in_a_table_is_not_believed"),
    "10-byte names": (EXPORT, "test_names_are_cut_on_a_character_and_stay_different"),
    "cells over 254 bytes": (FILES, "test_a_shapefile_cell_cut_in_mid_character_keeps_what_is_whole"),
    "full-width digits, 约30户, 无": (IMPORTS, "test_numbers_as_people_type_them"),
    "invisible marks": (BAD_DATA, "test_invisible_marks_change_neither_names_nor_numbers"),
    "title, merged headers, 合计": (BAD_DATA, "test_a_workbook_with_merged_headers_comes_in_with_nothing_lost"),
    "18-digit ids": (BAD_DATA, "test_an_identity_number_that_lost_its_digits_is_named"),
    "dates as serials": (BAD_DATA, "test_days_as_people_and_spreadsheets_write_them"),
    "doubled ids, leading zeros": (
        BAD_DATA, "test_doubled_identifiers_are_named_and_those_with_zeros_in_front_kept_apart"
    ),
    "exchanged axes": (IMPORTS, "test_swapped_and_projected_columns_are_understood"),
    "exchanged axes in a layer": (
        BAD_DATA, "test_latitude_and_longitude_exchanged_in_a_file_of_points_is_told_by_the_range"
    ),
    "GCJ-02, BD-09 as WGS 84": (IMPORTS, "test_a_foreign_datum_is_found_on_real_ground_and_a_mixture_is_refused"),
    "half and half": (DATUM, "test_half_and_half_is_never_clear"),
    "zone prefix, X = north": (BAD_DATA, "test_zone_metres_with_and_without_prefix_and_north_first_are_one_place"),
    "Beijing 1954, Xi'an 1980": (BAD_DATA, "test_beijing_1954_and_xian_1980_are_refused_in_every_file"),
    "degrees, minutes, seconds": (BAD_DATA, "test_degrees_minutes_and_seconds_are_read_and_listed"),
    "no .prj": (BAD_DATA, "test_a_shapefile_without_a_projection_is_understood_or_asked_about"),
    "zone edge": (BAD_DATA, "test_points_of_two_zones_are_asked_about_and_a_district_across_the_edge_is_one"),
    "formulas": (EXPORT, "test_no_text_of_a_workbook_or_a_csv_runs"),
    "markup in names": ("browser/test_export", "test_hostile_words_are_text"),
    "small counts": (EXPORT, "test_public_sums_hide_small_counts_and_the_one_the_total_gives_away"),
    "totals that give away": (
        EXPORT, "test_nobody_can_work_out_a_small_count_from_areas_and_groups_together"
    ),
    "points of disabled residents": (EXPORT, "test_points_do_not_tell_of_illness_or_need_unless_asked"),
    "names in logs": (BAD_DATA, "test_names_and_numbers_of_persons_are_in_no_file_message_or_report"),
    "kill -9 in a save": (STORE, "test_fifty_killed_saves_leave_one_plan_or_the_other"),
    "disk full": (STORE, "test_a_disk_that_is_full_is_told_and_the_plan_stays_whole"),
    "size limit": ("test_store", "test_a_size_limit_leaves_the_old_plan_whole"),
    "read-only folder": ("test_store", "test_a_folder_without_rights_is_one_sentence"),
    "WAL on a read-only folder": (
        STORE, "test_a_file_left_in_wal_mode_is_read_also_from_a_folder_without_rights"
    ),
    "QGIS holds the file": (STORE, "test_a_program_that_holds_the_file_open_keeps_its_state_and_the_save_is_whole"),
    "two planners": ("test_redraw_history", "test_two_planners_who_save_over_each_other_are_told"),
    "pyogrio during our save": (
        "test_redraw_saving", "test_nobody_reads_a_plan_half_of_one_state_and_half_of_another"
    ),
    "newer plan": (STORE, "test_a_plan_of_no_known_format_is_refused"),
    "log altered by hand": ("test_redraw_history", "test_a_log_altered_by_hand_is_refused_and_the_record_named"),
}  # fmt: skip


@pytest.mark.parametrize("line", EXPECTED)
def test_every_bad_input_has_its_test(line):
    module, name = EXPECTED[line]
    path = HERE / f"{module}.py"
    found = {
        each.name for each in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(each, ast.FunctionDef)
    }
    assert name in found
