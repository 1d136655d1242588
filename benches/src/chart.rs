//! The charts, as SVG.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Result;
use crate::figure::{Unit, digits};
use crate::outcome::{Curve, Outcome};

/// Every chart that there is something for: its file, its title, its text.
pub fn charts(outcomes: &[Outcome]) -> Result<Vec<(&'static str, String, String)>> {
    let mut charts = Vec::new();
    let figures = || outcomes.iter().flat_map(|outcome| &outcome.figures);
    let mut rates: Vec<Bar> = Vec::new();
    for figure in figures().filter(|figure| figure.id == "open" && figure.case.starts_with("full, ")) {
        let store = figure.case.trim_start_matches("full, ");
        // 256 callers stand beside both of the others.
        for (who, rate) in [(&figure.subject, figure.subject()), (&figure.other, figure.other())] {
            let bar = Bar { label: format!("{store}, {who}"), value: rate.median, is_floor: false };
            if !rates.iter().any(|known| known.label == bar.label) {
                rates.push(bar);
            }
        }
    }
    if !rates.is_empty() {
        let title = "Full leads per second";
        charts.push((
            "rates.svg",
            title.to_owned(),
            bars(title, &rates, |value| format!("{}/s", digits(value)))?,
        ));
    }
    let mut costs: Vec<Bar> = Vec::new();
    for figure in figures()
        .filter(|figure| figure.unit == Unit::CpuMicros && figure.case == "full" && figure.id != "S6")
    {
        for (label, value, is_floor) in
            [(&figure.subject, figure.subject().median, false), (&figure.other, figure.other().median, true)]
        {
            costs.push(Bar { label: format!("{}: {label}", figure.id), value, is_floor });
        }
    }
    if !costs.is_empty() {
        let title = "Processor time per full lead, and what it is compared with (grey)";
        charts.push((
            "cost.svg",
            title.to_owned(),
            bars(title, &costs, |value| format!("{} us", digits(value)))?,
        ));
    }
    let curves: Vec<&Curve> = outcomes.iter().flat_map(|outcome| &outcome.curves).collect();
    if !curves.is_empty() {
        let title = "Processor time per lead against leads stored";
        charts.push(("growth.svg", title.to_owned(), lines(title, &curves)?));
    }
    Ok(charts)
}

struct Bar {
    label: String,
    value: f64,
    is_floor: bool,
}

/// Bars under each other, each with its label and its value. From zero: a bar's length is what is compared.
fn bars(title: &str, bars: &[Bar], show: impl Fn(f64) -> String) -> Result<String> {
    let mut svg = String::new();
    let height = 2 * MARGIN + BAR * bars.len() as i32;
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, height as u32)).into_drawing_area();
        area.fill(&WHITE)?;
        let font = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
        area.draw(&Text::new(title.to_owned(), (10, 8), font(20)))?;
        let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        for (n, bar) in bars.iter().enumerate() {
            let top = MARGIN + BAR * n as i32;
            let length = (f64::from(WIDTH - LABELS - VALUES) * bar.value / most).round() as i32;
            let color = if bar.is_floor { RGBColor(150, 150, 150) } else { BLUE_OF_OURS };
            area.draw(&Rectangle::new(
                [(LABELS, top + 3), (LABELS + length.max(1), top + BAR - 3)],
                color.filled(),
            ))?;
            let right = font(16).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(bar.label.clone(), (LABELS - 8, top + BAR / 2), right))?;
            let left = font(16).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(show(bar.value), (LABELS + length + 8, top + BAR / 2), left))?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// Curves over sizes, which are far apart: each step of the axis is ten times the last.
fn lines(title: &str, curves: &[&Curve]) -> Result<String> {
    let points = || curves.iter().flat_map(|curve| curve.points.iter().copied());
    let (least, most) =
        points().fold((f64::MAX, 0.0_f64), |(least, most), (x, _)| (least.min(x), most.max(x)));
    let top = points().map(|(_, y)| y).fold(0.0, f64::max) * 1.2;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, 420)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(14)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d((least..most).log_scale(), 0.0..top)?;
        let shown = |x: &f64| digits(*x);
        chart
            .configure_mesh()
            .label_style(("sans-serif", 15))
            .x_desc("leads stored")
            .y_desc("us of processor time per lead")
            .x_label_formatter(&shown)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (curve, color) in curves.iter().zip([BLUE_OF_OURS, RGBColor(200, 90, 40)].into_iter().cycle()) {
            chart.draw_series(LineSeries::new(curve.points.iter().copied(), color.stroke_width(2)))?;
            if let Some((x, y)) = curve.points.last() {
                let style =
                    ("sans-serif", 16).into_font().color(&color).pos(Pos::new(HPos::Right, VPos::Bottom));
                chart.draw_series([Text::new(curve.name.clone(), (*x, *y), style)])?;
            }
        }
        area.present()?;
    }
    Ok(svg)
}

const WIDTH: i32 = 860;
const MARGIN: i32 = 36;
const BAR: i32 = 26;
/// Room for the labels, and for the values behind the longest bar.
const LABELS: i32 = 330;
const VALUES: i32 = 110;
const BLUE_OF_OURS: RGBColor = RGBColor(40, 90, 160);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_its_label_and_its_value_and_the_longest_fills_the_room() {
        let bar = |label: &str, value| Bar { label: label.to_owned(), value, is_floor: false };
        let svg =
            bars("Rates", &[bar("one", 50.0), bar("two", 100.0)], |value| format!("{value}/s")).unwrap();
        for text in ["Rates", "one", "50/s", "two", "100/s", r#"width="420""#, r#"width="210""#] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }

    #[test]
    fn a_curve_is_drawn_over_sizes() {
        let curve =
            Curve { name: "SQLite".to_owned(), points: vec![(1e4, 80.0), (1e6, 150.0), (5e6, 160.0)] };
        let svg = lines("Growth", &[&curve]).unwrap();
        for text in ["Growth", "SQLite", "leads stored", "polyline", "1,000,000"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
    }

    #[test]
    fn nothing_measured_nothing_drawn() {
        assert!(charts(&[]).unwrap().is_empty());
    }
}
